// Text that tokenizers find hard, from a seed: for soak.mjs and make_vectors.mjs.

// sfc32: 128 bits of state, so that the sequences of different seeds do not meet.
export function prng(seed) {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, seed | 0, 1];
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 15; ++i) next();
  return next;
}
const kWords = ["대한민국", '있습니다', '는', '에서', '하는', ' 그리고', "don't", "I'LL", "it'S", 'ſ', 'The', 'HTTPServer',
  'getName', '무단전재·재배포 금지', '제1조', '2024', '000', '𝟙', '①', 'ⅷ', '漢字', '하ᄂᆞᆯ', '나랏말ᄊᆞ미', '👨‍👩‍👧‍👦',
  '🇰🇷', '❤️', '...', '----', '====', '  ', '\t', '\u00a0', '\u3000', '\u2028', '\u200b', '\u200d', '\ufeff', 'e\u0301',
  '\u0301', '\u20dd', '\u1100\u1161\u11a8', '\u3164', 'ㅋㅋㅋ', 'ㅠㅠ', '~!@', '://', '<|endoftext|>', '<s>', '▁', '▁▁',
  '\ufffd', 'ǅ', 'ʰ', 'ª', '가\u0301', 'Å', 'ﬁ', '㈜', '①', '½', '\u0345', '\u0f71\u0f72', 'ⓐ', 'Ⅷ', '々', 'ー'];
export function* randomTexts(count, seed, newlines) {
  const next = prng(seed);
  const pick = (n) => Math.floor(next() * n);
  const piece = () => {
    switch (pick(20)) {
      case 0: case 1: case 2: case 3:
        return kWords[pick(kWords.length)];
      case 4: case 5: {
        let s = next() < 0.6 ? ' ' : '';
        for (let n = 1 + pick(6); n > 0; --n) s += String.fromCodePoint(0xac00 + pick(11172));
        return s;
      }
      case 6: {
        let s = next() < 0.6 ? ' ' : '';
        for (let n = 1 + pick(7); n > 0; --n) s += String.fromCharCode((next() < 0.3 ? 65 : 97) + pick(26));
        return s;
      }
      case 7:
        return String(pick(10 ** (1 + pick(9))));
      case 8:
        return ' \t!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'[pick(36)] ?? '';
      case 9: {  // runs
        const c = kWords[pick(kWords.length)];
        return c.repeat(1 + pick(20)).slice(0, 60);
      }
      case 10:
        return newlines ? ['\n', '\r\n', '\n\n', ' \n ', '\r'][pick(5)] : ' ';
      case 11: {
        let c = pick(0x10000);
        if (c >= 0xd800 && c < 0xe000) c = 0xfffd;
        return String.fromCodePoint(c);
      }
      case 12:
        return String.fromCodePoint(0x10000 + pick(next() < 0.8 ? 0x20000 : 0x100000));
      case 13:
        return String.fromCodePoint(0x300 + pick(0x70));
      case 14:
        return String.fromCodePoint(0x1100 + pick(0x100));
      case 15: {  // Hanja, also of the extensions and the compatibility block
        let s = next() < 0.4 ? ' ' : '';
        for (let n = 1 + pick(5); n > 0; --n) {
          const [first, size] = next() < 0.8 ? [0x4e00, 0x5200] : [[0x3400, 0x19c0], [0xf900, 0x200], [0x20000, 0xa6e0]][pick(3)];
          s += String.fromCodePoint(first + pick(size));
        }
        return s;
      }
      case 16: {  // emoji: skin, joiners, variation selectors, flags, keycaps
        let s = next() < 0.3 ? ' ' : '';
        for (let n = 1 + pick(4); n > 0; --n) {
          s += next() < 0.8 ? String.fromCodePoint(0x1f300 + pick(0x700)) : String.fromCodePoint(0x2600 + pick(0x1c0));
          if (next() < 0.3) s += String.fromCodePoint(0x1f3fb + pick(5));
          if (next() < 0.3) s += '\ufe0f';
          if (next() < 0.5) s += '\u200d';
        }
        if (next() < 0.1) s += String.fromCodePoint(0x1f1e6 + pick(26), 0x1f1e6 + pick(26));
        if (next() < 0.1) s += `${pick(10)}\ufe0f\u20e3`;
        return s;
      }
      case 17: {  // old Hangul as jamo, with tone marks
        let s = next() < 0.5 ? ' ' : '';
        for (let n = 1 + pick(3); n > 0; --n) {
          s += String.fromCodePoint(next() < 0.8 ? 0x1100 + pick(0x60) : 0xa960 + pick(0x1d));
          s += String.fromCodePoint(next() < 0.8 ? 0x1160 + pick(0x48) : 0xd7b0 + pick(0x17));
          if (next() < 0.5) s += String.fromCodePoint(next() < 0.8 ? 0x11a8 + pick(0x58) : 0xd7cb + pick(0x31));
          if (next() < 0.3) s += String.fromCodePoint(0x302e + pick(2));
        }
        return s;
      }
      case 18: {  // one syllable or jamo again and again, or a long word without spaces
        const run = next() < 0.5;
        let s = next() < 0.5 ? ' ' : '';
        let c = String.fromCodePoint(next() < 0.5 ? 0xac00 + pick(11172) : 0x3131 + pick(0x5e));
        for (let n = 1 + pick(next() < 0.1 ? 60 : 12); n > 0; --n) {
          s += c;
          if (!run) c = String.fromCodePoint(next() < 0.9 ? 0xac00 + pick(11172) : 0x3131 + pick(0x5e));
        }
        return s;
      }
      default: {  // bytes that were not UTF-8, replaced
        const n = 1 + pick(6);
        const bytes = Buffer.alloc(n);
        for (let i = 0; i < n; ++i) bytes[i] = next() < 0.7 ? 0x80 + pick(0x80) : pick(0x80);
        const s = bytes.toString('utf8');
        return newlines ? s : s.replaceAll('\n', ' ');
      }
    }
  };
  for (let i = 0; i < count; ++i) {
    let s = '';
    for (let n = 1 + pick(next() < 0.04 ? 40 : 4); n > 0; --n) s += piece();
    yield Buffer.from(s).toString('utf8');
  }
}
