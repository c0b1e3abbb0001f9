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
      let text = bytes.toString('utf8');
      // Old encodings are counted as what they say, too.
      if (name.endsWith('.txt') && text.includes('\ufffd')) {
        const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
        text += new TextDecoder(utf16 ? 'utf-16le' : 'euc-kr').decode(bytes);
      }
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

function* texts() {
  let bytes = 0;
  for (const root of options.text) {
    for (const text of documents(root)) {
      bytes += Buffer.byteLength(text);
      if (bytes > options.limitMb * 1e6) break;
      yield text;
    }
  }
  if (options.codePoints) yield* codePoints();
  yield* randomTexts(options.random, options.seed, true);
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
  const spec = JSON.parse(fs.readFileSync(file, 'utf8'));
  const words = JSON.stringify([spec.normalizer, spec.pre_tokenizer]);
  if (/Metaspace|Prepend|"add_prefix_space":true/.test(words)) {
    // What starts a text matters: one call a text.
    const tokenizer = Tokenizer.fromFile(file);
    return {
      newlines: true,
      counts: async (batch) => {
        const encodings = await tokenizer.encodeBatch(batch, { addSpecialTokens: false });
        return encodings.map((e) => e.getLength());
      },
    };
  }
  // A call costs more than a short text: texts go in groups, between special tokens of our own, at which the library
  // cuts before it does anything else.
  const next = '<|soak-next|>';
  spec.added_tokens.push({ id: Object.keys(spec.model.vocab).length + spec.added_tokens.length, content: next,
    single_word: false, lstrip: false, rstrip: false, normalized: false, special: true });
  const tokenizer = Tokenizer.fromString(JSON.stringify(spec));
  const [mark, ...rest] = (await tokenizer.encode(next, null, { addSpecialTokens: false })).getIds();
  if (mark === undefined || rest.length > 0) throw new Error(`${file}: ${next} is not one token`);
  return {
    newlines: true,
    counts: async (batch) => {
      const groups = [];
      let size = Infinity;
      for (const text of batch) {
        if (size > 2000) {
          groups.push([]);
          size = 0;
        }
        groups.at(-1).push(text);
        size += text.length;
      }
      const encodings = await tokenizer.encodeBatch(groups.map((g) => g.join(next)), { addSpecialTokens: false });
      const counts = [];
      for (let i = 0; i < groups.length; ++i) {
        let count = 0;
        for (const id of encodings[i].getIds()) {
          if (id === mark) {
            counts.push(count);
            count = 0;
          } else {
            ++count;
          }
        }
        counts.push(count);
      }
      if (counts.length !== batch.length) throw new Error(`${file}: ${counts.length} counts for ${batch.length} texts`);
      return counts;
    },
  };
}

class Ours {
  constructor(file) {
    this.child = spawn(options.bin, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.rest = '';
    this.lines = [];
    this.wake = () => {};
    this.child.stdout.setEncoding('latin1');
    this.child.stdout.on('data', (chunk) => {
      const lines = (this.rest + chunk).split('\n');
      this.rest = lines.pop();
      this.lines = this.lines.length > 0 ? this.lines.concat(lines) : lines;
      this.wake();
    });
    this.child.stdout.on('end', () => {
      this.ended = true;
      this.wake();
    });
  }
  async counts(batch) {
    let size = 4;
    for (const text of batch) size += 4 + Buffer.byteLength(text);
    const bytes = Buffer.allocUnsafe(size);
    let at = 0;
    for (const text of batch) {
      const length = bytes.write(text, at + 4);
      bytes.writeUInt32LE(length, at);
      at += 4 + length;
    }
    bytes.writeUInt32LE(0xffffffff, at);  // answer now
    this.child.stdin.write(bytes);
    while (this.lines.length < batch.length) {
      if (this.ended) throw new Error('jangbu_count_records ended early');
      await new Promise((resolve) => (this.wake = resolve));
    }
    const counts = this.lines.map(Number);
    this.lines = [];
    return counts;
  }
  end() {
    this.child.stdin.end();
  }
}

class Comparison {
  constructor(file, theirs) {
    Object.assign(this, { file, theirs, ours: new Ours(file), strings: 0, bytes: 0, total: 0, differences: 0, ms: 0 });
  }
  async check(texts) {
    const started = Date.now();
    const batch = this.theirs.newlines ? texts : texts.flatMap((text) => text.split('\n'));
    const [a, b] = await Promise.all([this.ours.counts(batch), this.theirs.counts(batch)]);
    for (let i = 0; i < batch.length; ++i) {
      this.bytes += Buffer.byteLength(batch[i]);
      this.total += b[i];
      if (a[i] === b[i]) continue;
      if (++this.differences <= 20) {
        console.log(`${path.basename(this.file)}: ours ${a[i]}, reference ${b[i]}: ${JSON.stringify(batch[i].slice(0, 200))}` +
          (batch[i].length < 80 ? ` [${[...batch[i]].map((c) => c.codePointAt(0).toString(16)).join(' ')}]` : ''));
      }
    }
    this.strings += batch.length;
    this.ms += Date.now() - started;
  }
}

const comparisons = [];
for (const file of options.files) comparisons.push(new Comparison(file, await reference(file)));
let batch = [];
let size = 0;
const check = async () => {
  for (const comparison of comparisons) await comparison.check(batch);
  batch = [];
  size = 0;
};
for (const text of texts()) {
  batch.push(text);
  size += text.length;
  if (batch.length >= 50_000 || size >= 4_000_000) await check();
}
if (batch.length > 0) await check();
let failed = false;
for (const c of comparisons) {
  c.ours.end();
  failed ||= c.differences > 0;
  console.log(`${path.basename(c.file)}: ${c.strings} texts, ${(c.bytes / 1e6).toFixed(1)} MB, ${c.total} tokens, ` +
    `${c.differences} differences, ${(c.ms / 1000).toFixed(0)} s (${os.cpus()[0].model.trim()})`);
}
process.exit(failed ? 1 : 0);
