/** How things look in a terminal. Colours are added only when `colour` is true; letters carry the meaning as well. */

// ECMA-48 control sequences, operating system commands (links, titles) and two-character escapes.
const escapes =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,2048}(?:\u0007|\u001b\\)|[ -/][0-~]|[0-Z\\^_-~])|\u009b[0-?]*[ -/]*[@-~]/g;
// C0 and C1 controls but tab and newline, line separators, zero-width and bidi controls (UAX #9).
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text of a record made safe for a terminal: its own colours go, everything else that a terminal acts on becomes a visible sign. */
export function clean(text: string): string {
  return text.replace(escapes, '').replace(hidden, char => {
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '\u2421';
    return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}

export type Paint = {
  dim(text: string): string;
  bold(text: string): string;
  /** A one-letter badge, coloured by level. */
  badge(level: string): string;
  /** A bar or a word in the colour of a level. */
  level(level: string, text: string): string;
  /** A name, or `text` in its place, in a colour that is the name's own in every run. */
  service(name: string, text?: string): string;
};

const letters: Record<string, string> = {
  fatal: 'F',
  critical: 'C',
  error: 'E',
  warn: 'W',
  info: 'I',
  debug: 'D',
  trace: 'T',
};
/** Colours of the 256-colour table that stay apart for colour-blind eyes; the letter says it again. */
const levelColours: Record<string, number> = {
  fatal: 219,
  critical: 213,
  error: 203,
  warn: 220,
  info: 75,
  debug: 245,
  trace: 240,
};
const serviceColours = [39, 43, 78, 114, 141, 147, 172, 175, 180, 209, 45, 149, 183, 222, 81, 108] as const;

/** FNV-1a, 32 bits: small and stable. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

export function createPaint(colour: boolean): Paint {
  const wrap = (open: string, text: string, close: string): string =>
    colour ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  const inColour = (code: number | undefined, text: string): string =>
    code === undefined ? text : wrap(`38;5;${code}`, text, '39');
  return {
    dim: text => wrap('2', text, '22'),
    bold: text => wrap('1', text, '22'),
    level: (level, text) => inColour(levelColours[level], text),
    badge: level => {
      const letter = letters[level] ?? '·';
      const code = levelColours[level];
      return colour && code !== undefined ? `\x1b[48;5;${code};38;5;16m ${letter} \x1b[0m` : ` ${letter} `;
    },
    service: (name, text = clean(name)) => inColour(serviceColours[hash(name) % serviceColours.length], text),
  };
}

export type ColourChoice = 'auto' | 'always' | 'never';

/** https://no-color.org: any non-empty NO_COLOR turns colours off unless the user asked for them by flag. */
export function wantsColour(choice: ColourChoice, stream: { isTTY?: boolean }): boolean {
  if (choice !== 'auto') return choice === 'always';
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

export const countText = (count: number): string => count.toLocaleString('en-US');

/** `plural(1, 'record')` is `1 record`. */
export const plural = (count: number, noun: string): string => `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;

export const secondsText = (millis: number): string =>
  millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(1)} s`;
