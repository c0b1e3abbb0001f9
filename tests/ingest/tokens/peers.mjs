// How fast the reference libraries count, beside token_bench, in one run: CPU time of one thread over the same text.
//
//   npm install @anush008/tokenizers tiktoken      (anywhere; run with NODE_PATH=that/node_modules)
//   RAYON_NUM_THREADS=1 node peers.mjs --bench build/bench/token_bench --text TEXT.txt [--mb N] TOKENIZER_FILE...
//
// TEXT.txt is canonical text, one document a line or paragraphs a line. token_bench takes all of it; the libraries take
// its first N MB (default 6) in documents of about 4 kB, Hugging Face's in batches of 256. Loading is left out.
import { createRequire } from 'node:module';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const require = createRequire(import.meta.url);
const load = (name) => require(path.join(process.env.NODE_PATH ?? '', name));
const options = { bench: '', text: '', mb: 6, files: [] };
for (let i = 2; i < process.argv.length; ++i) {
  const arg = process.argv[i];
  if (arg === '--bench') options.bench = process.argv[++i];
  else if (arg === '--text') options.text = process.argv[++i];
  else if (arg === '--mb') options.mb = Number(process.argv[++i]);
  else options.files.push(arg);
}

const documents = [];
let bytes = 0;
{
  let document = '';
  for (const line of fs.readFileSync(options.text, 'utf8').split('\n')) {
    document += (document === '' ? '' : '\n') + line;
    if (document.length < 1600) continue;
    bytes += Buffer.byteLength(document);
    documents.push(document);
    document = '';
    if (bytes > options.mb * 1e6) break;
  }
}
const cpu = (work) => {
  const before = process.cpuUsage();
  const result = work();
  const used = process.cpuUsage(before);
  return [(used.user + used.system) / 1e6, result];
};
const row = (what, seconds, size, tokens) =>
  console.log(`${what.padEnd(46)} ${(size / 1e6 / seconds).toFixed(2).padStart(8)} MB/s  ${tokens} tokens`);

for (const file of options.files) {
  const name = path.basename(file);
  if (file.endsWith('.tiktoken')) {
    const { Tiktoken } = load('tiktoken');
    const known = load(`tiktoken/encoders/${name.startsWith('o200k') ? 'o200k_base' : 'cl100k_base'}.json`);
    const packed = '! 0 ' + fs.readFileSync(file, 'utf8').trim().split('\n').map((l) => l.split(' ')[0]).join(' ');
    const tiktoken = new Tiktoken(packed, {}, known.pat_str);
    const [seconds, tokens] = cpu(() => documents.reduce((n, d) => n + tiktoken.encode_ordinary(d).length, 0));
    row(`tiktoken (WASM), ${name}`, seconds, bytes, tokens);
  } else if (file.endsWith('.model')) {
    const input = documents.join('\n') + '\n';
    const time = (text) => {
      const r = spawnSync('/usr/bin/time', ['-f', '%U %S', 'spm_encode', `--model=${file}`, '--output_format=id'],
        { input: text, maxBuffer: 1 << 30 });
      const [user, system] = r.stderr.toString().trim().split('\n').pop().split(' ').map(Number);
      return [user + system, r.stdout.toString().split(/\s+/).length - 1];
    };
    const [empty] = time('');
    const [seconds, tokens] = time(input);
    row(`spm_encode, ${name}`, seconds - empty, bytes, tokens);
  } else {
    const { Tokenizer } = load('@anush008/tokenizers');
    const tokenizer = Tokenizer.fromFile(file);
    const before = process.cpuUsage();
    let tokens = 0;
    for (let i = 0; i < documents.length; i += 256) {
      const encodings = await tokenizer.encodeBatch(documents.slice(i, i + 256), { addSpecialTokens: false });
      for (const e of encodings) tokens += e.getLength();
    }
    const used = process.cpuUsage(before);
    row(`Hugging Face tokenizers, ${name}`, (used.user + used.system) / 1e6, bytes, tokens);
  }
  const r = spawnSync(options.bench, [file, options.text, '--benchmark_format=csv', '--benchmark_min_time=0.3',
    '--benchmark_filter=^(whole_word_look_up|count_(warm|cold|two))'], { maxBuffer: 1 << 26 });
  for (const line of r.stdout.toString().split('\n')) {
    const cells = line.split(',');
    if (cells.length < 6 || !/^"/.test(cells[0])) {
      if (/loaded|tokens:|text:|distinct/.test(line)) console.log(`  ${line}`);
      continue;
    }
    console.log(`  ${cells[0].replaceAll('"', '').padEnd(44)} ${(Number(cells[5]) / 1e6).toFixed(1).padStart(8)} MB/s`);
  }
}
