// Makes data/: small tokenizers trained on generated text, and what the reference libraries count with them. The suite
// (vectors_test.cc) reads the files and needs none of the tools.
//
//   npm install @anush008/tokenizers tiktoken; apt-get install sentencepiece
//   NODE_PATH=that/node_modules node make_vectors.mjs build/bin/jangbu-train-tokenizer
import { createRequire } from 'node:module';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { prng, randomTexts } from './hard_texts.mjs';

const require = createRequire(import.meta.url);
const load = (name) => require(path.join(process.env.NODE_PATH ?? '', name));
const { Tokenizer } = load('@anush008/tokenizers');
const { Tiktoken } = load('tiktoken');
const data = path.join(path.dirname(fileURLToPath(import.meta.url)), 'data');
fs.mkdirSync(data, { recursive: true });
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'vectors-'));
const run = (command, args, input) => {
  const r = spawnSync(command, args, { input, maxBuffer: 1 << 28 });
  if (r.status !== 0) throw new Error(`${command}: ${r.stderr}`);
  return r.stdout.toString();
};

// Training text: sentences of made-up words with a long tail, so that merges of every length appear.
function* sentences(count, seed) {
  const next = prng(seed);
  const pick = (n) => Math.floor(next() * n);
  const syllables = Array.from({ length: 160 }, () => String.fromCodePoint(0xac00 + pick(11172)));
  const words = Array.from({ length: 2500 }, () => {
    const alphabet = next() < 0.75 ? syllables : [...'etaoinshrdluABC'];
    return Array.from({ length: 1 + pick(5) }, () => alphabet[Math.floor(alphabet.length * next() ** 2)]).join('');
  });
  const ends = ['', '', '', '은', '는', '의', '에서', ',', '.', '!', '(', ' 2024', ' 12', "'s", 'ㅋㅋ', '…'];
  for (let i = 0; i < count; ++i) {
    yield Array.from({ length: 1 + pick(12) }, () => words[Math.floor(2500 * next() ** 3)] + ends[pick(ends.length)]).join(' ');
  }
}
const training = [...sentences(12000, 77)].join('\n') + '\n';
fs.writeFileSync(path.join(work, 'train.txt'), training);

run(process.argv[2], ['--out', path.join(data, 'bytelevel.tokenizer.json'), '--vocab', '1200', path.join(work, 'train.txt')]);
for (const type of ['bpe', 'unigram']) {
  for (const fallback of [true, false]) {
    const name = `${type}${fallback ? '_bytes' : ''}`;
    run('spm_train', [`--input=${path.join(work, 'train.txt')}`, `--model_prefix=${path.join(work, name)}`,
      `--model_type=${type}`, '--vocab_size=1200', `--byte_fallback=${fallback}`, '--character_coverage=0.9995',
      '--hard_vocab_limit=false', '--num_threads=1', ...(fallback ? [] : ['--user_defined_symbols=대한,<x>']),
      `--normalization_rule_name=${fallback ? 'identity' : 'nmt_nfkc'}`, '--minloglevel=2']);
    fs.copyFileSync(path.join(work, `${name}.model`), path.join(data, `${name}.model`));
  }
}

// tokenizer.json in the families that a SentencePiece vocabulary is carried over to.
const piecesOf = (name) => fs.readFileSync(path.join(work, `${name}.vocab`), 'utf8').trimEnd().split('\n').map((l) => {
  const tab = l.lastIndexOf('\t');
  return [l.slice(0, tab), Number(l.slice(tab + 1))];
});
const added = [[0, '<unk>'], [1, '<s>'], [2, '</s>']].map(([id, content]) => (
  { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }));
const json = (name, parts) => fs.writeFileSync(path.join(data, `${name}.tokenizer.json`), JSON.stringify({
  version: '1.0', truncation: null, padding: null, added_tokens: added, post_processor: null, decoder: null, ...parts }) + '\n');
{
  const pieces = piecesOf('bpe_bytes');
  const vocab = Object.fromEntries(pieces.map(([p], i) => [p, i]));
  const merges = [];
  for (const [piece, score] of pieces) {
    const chars = [...piece];
    if (/^<0x..>$/.test(piece) || chars.length < 2) continue;
    for (let i = 1; i < chars.length; ++i) {
      const [l, r] = [chars.slice(0, i).join(''), chars.slice(i).join('')];
      if (l in vocab && r in vocab) merges.push([score, vocab[l], vocab[r], `${l} ${r}`]);
    }
  }
  merges.sort((a, b) => b[0] - a[0] || a[1] - b[1] || a[2] - b[2]);
  json('llama', {
    normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' }] },
    pre_tokenizer: null,
    model: { type: 'BPE', dropout: null, unk_token: '<unk>', continuing_subword_prefix: null, end_of_word_suffix: null,
      fuse_unk: true, byte_fallback: true, ignore_merges: false, vocab, merges: merges.map((m) => m[3]) },
  });
  json('unigram', {
    normalizer: { type: 'NFKC' },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    model: { type: 'Unigram', unk_id: 0, vocab: piecesOf('unigram'), byte_fallback: false },
  });
}
// The byte-level merges under other splits, with NFC, without every third merge and with ignore_merges.
{
  const base = JSON.parse(fs.readFileSync(path.join(data, 'bytelevel.tokenizer.json'), 'utf8'));
  const split = (Regex) => ({ type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }] });
  const qwen = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  const write = (name, value) => fs.writeFileSync(path.join(data, `${name}.tokenizer.json`), JSON.stringify(value) + '\n');
  write('qwenlike', { ...base, normalizer: { type: 'NFC' }, pre_tokenizer: split(qwen) });
  write('gpt2like', { ...base, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true } });
  write('llama3like', { ...base, pre_tokenizer: split(qwen.replace('\\p{N}|', '\\p{N}{1,3}|')),
    model: { ...base.model, ignore_merges: true, merges: base.model.merges.filter((m, i) => i < 300 || i % 3 > 0) } });
  // Ranks: entries in the order they were made.
  const bytes = new Map();
  let next = 256;
  for (let b = 0; b < 256; ++b) {
    const printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    bytes.set(String.fromCodePoint(printable ? b : next++), b);
  }
  const ranks = Object.entries(base.model.vocab).sort((a, b) => a[1] - b[1])
    .map(([t]) => Buffer.from([...t].map((c) => bytes.get(c))).toString('base64'));
  fs.writeFileSync(path.join(data, 'o200klike.tiktoken'), ranks.map((t, i) => `${t} ${i}\n`).join(''));
}

const texts = [...randomTexts(900, 4242, true), ...[...sentences(12600, 77)].slice(12000)];
texts.push('가'.repeat(300), 'ㅋ'.repeat(301), '='.repeat(257), ' '.repeat(70), '\u1100\u1161'.repeat(40), '\ufffd'.repeat(9));
const columns = {};
for (const file of fs.readdirSync(data).sort()) {
  const at = path.join(data, file);
  if (file.endsWith('.tokenizer.json')) {
    const tokenizer = Tokenizer.fromFile(at);
    columns[file] = (await tokenizer.encodeBatch(texts, { addSpecialTokens: false })).map((e) => e.getLength());
  } else if (file.endsWith('.tiktoken')) {
    const packed = '! 0 ' + fs.readFileSync(at, 'utf8').trim().split('\n').map((l) => l.split(' ')[0]).join(' ');
    const t = new Tiktoken(packed, {}, load('tiktoken/encoders/o200k_base.json').pat_str);
    columns[file] = texts.map((text) => t.encode_ordinary(text).length);
  } else if (file.endsWith('.model')) {
    // Line by line: a text with a line feed has no count.
    const one = texts.filter((t) => !t.includes('\n'));
    const lines = run('spm_encode', [`--model=${at}`, '--output_format=id'], one.join('\n') + '\n').split('\n');
    let i = 0;
    columns[file] = texts.map((t) => (t.includes('\n') ? -1 : lines[i++].split(' ').filter((x) => x !== '').length));
  }
}
fs.writeFileSync(path.join(data, 'vectors.jsonl'),
  JSON.stringify({ files: Object.keys(columns) }) + '\n' +
  texts.map((text, i) => JSON.stringify({ text, counts: Object.values(columns).map((c) => c[i]) })).join('\n') + '\n');
fs.rmSync(work, { recursive: true });
