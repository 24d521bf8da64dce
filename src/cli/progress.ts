import { bytesText, countText, secondsText } from './terminal.ts';

/** One line on stderr that says how far the work is; nothing when stderr is no terminal. */
export type Progress = {
  show(text: string): void;
  /** Takes the line away, so that something else can be written. */
  clear(): void;
};

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const redrawMillis = 80;

export function createProgress(stderr: NodeJS.WriteStream = process.stderr): Progress {
  if (!stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  let turn = 0;
  let shownAt = 0;
  let visible = false;
  return {
    show: text => {
      const now = Date.now();
      if (now - shownAt < redrawMillis) return;
      shownAt = now;
      visible = true;
      const width = (stderr.columns || 80) - 3;
      stderr.write(`\r\x1b[2K${spinner[turn++ % spinner.length]} ${text.slice(0, width)}`);
    },
    clear: () => {
      if (visible) stderr.write('\r\x1b[2K');
      visible = false;
    },
  };
}

/** `scanned 1,200,000 of 5,000,000 rows, 340 MB, 0.8 s`; of records that are still in memory nothing is scanned, so then the time alone. */
export function scanText(p: { readRows: number; readBytes: number; totalRows?: number; elapsedMs: number }): string {
  const of = p.totalRows !== undefined && p.totalRows > p.readRows ? ` of ${countText(p.totalRows)}` : '';
  if (p.readRows === 0) return secondsText(p.elapsedMs);
  return `scanned ${countText(p.readRows)}${of} rows, ${bytesText(p.readBytes)}, ${secondsText(p.elapsedMs)}`;
}
