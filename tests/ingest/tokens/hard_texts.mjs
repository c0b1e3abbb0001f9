// Text that tokenizers find hard, from a seed: for soak.mjs and make_vectors.mjs.

// mulberry32
export function prng(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
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
    switch (pick(15)) {
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
      default:
        return String.fromCodePoint(0x1100 + pick(0x100));
    }
  };
  for (let i = 0; i < count; ++i) {
    let s = '';
    for (let n = 1 + pick(next() < 0.1 ? 40 : 6); n > 0; --n) s += piece();
    yield Buffer.from(s).toString('utf8');
  }
}
