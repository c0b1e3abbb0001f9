// Differential soak: the counts of jangbu_count_records against the reference libraries, over any text and tokenizers.
//
//   npm install @anush008/tokenizers tiktoken      (anywhere; run with NODE_PATH=that/node_modules)
//   node soak.mjs --bin build/bin/jangbu_count_records [--text FOLDER]... [--code-points] [--random N] [--seed S]
//                 [--limit-mb M] TOKENIZER_FILE...
//
// References: tokenizer.json → Hugging Face tokenizers; *.tiktoken → tiktoken encode_ordinary; *.model → spm_encode (a
// process of its own, line by line, so texts with line breaks are cut at them). Prints one line of totals a tokenizer
// and every difference up to 20; leaves with status 1 when there is any.
import { createRequire } from 'node:module';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import readline from 'node:readline';
import { randomTexts } from './hard_texts.mjs';

const require = createRequire(path.join(process.env.NODE_PATH ?? process.cwd(), 'x.js'));
const load = (name) => {
  try {
    return require(path.join(process.env.NODE_PATH ?? '', name));
  } catch {
    return require(name);
  }
};

const options = { bin: '', text: [], codePoints: false, random: 0, seed: 1, limitMb: Infinity, files: [] };
for (let i = 2; i < process.argv.length; ++i) {
  const arg = process.argv[i];
  if (arg === '--bin') options.bin = process.argv[++i];
  else if (arg === '--text') options.text.push(process.argv[++i]);
  else if (arg === '--code-points') options.codePoints = true;
  else if (arg === '--random') options.random = Number(process.argv[++i]);
  else if (arg === '--seed') options.seed = Number(process.argv[++i]);
  else if (arg === '--limit-mb') options.limitMb = Number(process.argv[++i]);
  else options.files.push(arg);
}

// ---------------------------------------------------------------------------------------------------------------- text

function* filesUnder(root) {
  for (const entry of fs.readdirSync(root, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const at = path.join(root, entry.name);
    if (entry.isDirectory()) yield* filesUnder(at);
    else if (entry.isFile()) yield at;
  }
}

// Every document of a folder: JSONL texts; other text files whole, whatever is not UTF-8 replaced.
function* documents(root) {
  for (const file of filesUnder(root)) {
    let bytes = fs.readFileSync(file);
    let name = file;
    if (name.endsWith('.gz')) {
      bytes = zlib.gunzipSync(bytes);
      name = name.slice(0, -3);
    } else if (name.endsWith('.zst')) {
      const r = spawnSync('zstd', ['-dcq'], { input: bytes, maxBuffer: 1 << 30 });
      bytes = r.stdout;
      name = name.slice(0, -4);
    }
    if (name.endsWith('.jsonl')) {
      for (const line of bytes.toString('utf8').split('\n')) {
        try {
          const text = JSON.parse(line).text;
          if (typeof text === 'string') yield Buffer.from(text).toString('utf8');
        } catch {
          yield line;
        }
      }
    } else {
      const text = bytes.toString('utf8');
      for (let at = 0; at < text.length; at += 200_000) yield Buffer.from(text.slice(at, at + 200_000)).toString('utf8');
    }
  }
}

function* codePoints() {
  for (let c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const s = String.fromCodePoint(c);
    yield s;
    yield `가${s}나 ${s}다 a${s}B${s} ${s}${s}`;
  }
}

function* texts(newlines) {
  const cut = function* (source) {
    for (const text of source) {
      if (newlines) yield text;
      else for (const line of text.split('\n')) yield line;
    }
  };
  let bytes = 0;
  for (const root of options.text) {
    for (const text of cut(documents(root))) {
      bytes += Buffer.byteLength(text);
      if (bytes > options.limitMb * 1e6) break;
      yield text;
    }
  }
  if (options.codePoints) yield* cut(codePoints());
  yield* cut(randomTexts(options.random, options.seed, newlines));
}

// ----------------------------------------------------------------------------------------------------------- references

async function reference(file) {
  if (file.endsWith('.tiktoken')) {
    const { Tiktoken } = load('tiktoken');
    const name = process.env.TIKTOKEN_NAME ?? (path.basename(file).startsWith('o200k') ? 'o200k_base' : 'cl100k_base');
    const known = load(`tiktoken/encoders/${name}.json`);
    // The library wants its own packed ranks; the file given says what they are.
    const packed = '! 0 ' + fs.readFileSync(file, 'utf8').trim().split('\n').map((l) => l.split(' ')[0]).join(' ');
    const tiktoken = new Tiktoken(packed, {}, known.pat_str);
    return { newlines: true, counts: async (batch) => batch.map((t) => tiktoken.encode_ordinary(t).length) };
  }
  if (file.endsWith('.model')) {
    return {
      newlines: false,
      counts: async (batch) => {
        const r = spawnSync('spm_encode', [`--model=${file}`, '--output_format=id'],
          { input: batch.join('\n') + '\n', maxBuffer: 1 << 30 });
        const lines = r.stdout.toString().split('\n');
        lines.pop();
        if (lines.length !== batch.length) throw new Error(`spm_encode gave ${lines.length} lines for ${batch.length}`);
        return lines.map((l) => (l === '' ? 0 : l.split(' ').length));
      },
    };
  }
  const { Tokenizer } = load('@anush008/tokenizers');
  const tokenizer = Tokenizer.fromFile(file);
  return {
    newlines: true,
    counts: async (batch) => {
      const encodings = await tokenizer.encodeBatch(batch, { addSpecialTokens: false });
      return encodings.map((e) => e.getLength());
    },
  };
}

class Ours {
  constructor(file) {
    this.child = spawn(options.bin, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  async counts(batch) {
    const parts = [];
    for (const text of batch) {
      const bytes = Buffer.from(text);
      const head = Buffer.alloc(4);
      head.writeUInt32LE(bytes.length);
      parts.push(head, bytes);
    }
    this.child.stdin.write(Buffer.concat(parts));
    const counts = [];
    for (let i = 0; i < batch.length; ++i) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error('jangbu_count_records ended early');
      counts.push(Number(value));
    }
    return counts;
  }
  end() {
    this.child.stdin.end();
  }
}

let failed = false;
for (const file of options.files) {
  const theirs = await reference(file);
  const ours = new Ours(file);
  let [strings, bytes, total, differences] = [0, 0, 0, 0];
  const started = Date.now();
  const check = async (batch) => {
    const [a, b] = await Promise.all([ours.counts(batch), theirs.counts(batch)]);
    for (let i = 0; i < batch.length; ++i) {
      ++strings;
      bytes += Buffer.byteLength(batch[i]);
      total += b[i];
      if (a[i] === b[i]) continue;
      if (++differences <= 20) {
        console.log(`${path.basename(file)}: ours ${a[i]}, reference ${b[i]}: ${JSON.stringify(batch[i].slice(0, 200))}` +
          (batch[i].length < 80 ? ` [${[...batch[i]].map((c) => c.codePointAt(0).toString(16)).join(' ')}]` : ''));
      }
    }
  };
  let batch = [];
  let size = 0;
  for (const text of texts(theirs.newlines)) {
    batch.push(text);
    size += text.length;
    if (batch.length >= 20_000 || size >= 4_000_000) {
      await check(batch);
      batch = [];
      size = 0;
    }
  }
  if (batch.length > 0) await check(batch);
  ours.end();
  failed ||= differences > 0;
  console.log(`${path.basename(file)}: ${strings} texts, ${(bytes / 1e6).toFixed(1)} MB, ${total} tokens, ` +
    `${differences} differences, ${((Date.now() - started) / 1000).toFixed(0)} s (${os.cpus()[0].model.trim()})`);
}
process.exit(failed ? 1 : 0);
