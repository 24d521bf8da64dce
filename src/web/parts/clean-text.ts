/**
 * Log text made safe to look at: what a terminal or the bidi algorithm would act on is removed (colours) or shown as a visible
 * sign (everything else), so that a line can neither hide nor reorder what is written in it. Stored text is never changed.
 */

/** Longest text put into a list row; the whole text is in the record's details. */
export const rowTextMax = 4096;

// ECMA-48 control sequences, operating system commands (hyperlinks, titles) and two-character escapes.
const ansi =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,2048}(?:\u0007|\u001b\\)|[ -/][0-~]|[0-Z\\^_-~])|\u009b[0-?]*[ -/]*[@-~]/g;
// C0 and C1 controls, line separators, zero-width signs, Unicode bidi controls (UAX #9) and interlinear marks; not tab and newline.
const hidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

// Plain letters: the "control pictures" of Unicode are missing from many fonts, and a box says nothing.
const sign = (char: string): string => `<U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}>`;

/** Text for the page, lines kept; CR before LF or at the end is part of the line's end and goes. */
export const cleanText = (text: string): string =>
  text
    .replace(ansi, '')
    .replace(/\r+(?=\n|$)/g, '')
    .replace(hidden, sign);

/** As {@link cleanText}, cut to {@link rowTextMax} with the number of characters left out. */
export function cleanForRow(text: string): string {
  if (text.length <= rowTextMax) return cleanText(text);
  return `${cleanText(text.slice(0, rowTextMax))}… (+${(text.length - rowTextMax).toLocaleString('en')} characters)`;
}

/** As {@link cleanForRow} on one line: newlines become a sign, tabs a space. */
export const cleanForLine = (text: string): string =>
  cleanForRow(text).replace(/[\n\t]/g, char => (char === '\n' ? '↵' : ' '));
