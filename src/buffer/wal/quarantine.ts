import { join } from 'node:path';
import { log } from '../../base/log.ts';
import { logDamaged } from '../../base/telemetry.ts';
import { codeOf, type Fs, type LogFile } from './fs.ts';
import type { Summaries } from './summaries.ts';
import type { DamageStep } from './walk.ts';

const copyBytes = 1024 * 1024;

/**
 * Damaged bytes set aside: `quarantine/<segment>-<offset>.bytes` with a `.json` beside it that says what and why. The segment itself is left as it is, but for what recover.ts cuts off or mends at the end of the newest.
 * The same damage is copied and counted once, however often it is met, also by later runs of the program.
 */
export class Quarantine {
  private readonly fs: Fs;
  private readonly directory: string;
  private readonly summaries: Summaries;
  private readonly known = new Set<string>();
  private last: Promise<unknown> = Promise.resolve();
  /** Damage met by this process: place -> rows lost. */
  private readonly met = new Map<string, { segment: number; rows: number }>();

  constructor(fs: Fs, logDirectory: string, summaries: Summaries) {
    this.fs = fs;
    this.summaries = summaries;
    this.directory = join(logDirectory, 'quarantine');
  }

  /** Damaged places met since the start of the program. */
  get count(): number {
    return this.met.size;
  }

  /** Rows of a segment known to be lost. */
  lostRows(segment: number): number {
    return [...this.met.values()].reduce((sum, damage) => sum + (damage.segment === segment ? damage.rows : 0), 0);
  }

  /** Resolves to true when the bytes are safe in the quarantine; a disk that refuses is logged and tried again when the damage is met again. */
  keep(from: LogFile, segment: number, damage: DamageStep): Promise<boolean> {
    // One after the other: two readers may meet the same damage at once.
    const kept = this.last.then(() => this.keepNext(from, segment, damage));
    this.last = kept;
    return kept;
  }

  private async keepNext(from: LogFile, segment: number, damage: DamageStep): Promise<boolean> {
    const name = `${segment}-${damage.offset}`;
    if (this.known.has(name)) return true;
    await this.summaries.forget(segment);
    const said = { segment, ...damage };
    try {
      const fresh = !(await this.has(name));
      if (fresh) await this.copy(from, name, damage, segment);
      this.known.add(name);
      this.note(name, segment, damage, fresh);
      if (fresh) log.error(said, 'the log is damaged here; the bytes are kept in its quarantine directory');
      return true;
    } catch (error) {
      this.note(name, segment, damage, true);
      log.error({ ...said, code: codeOf(error) }, 'the log is damaged here and the bytes could not be set aside');
      return false;
    }
  }

  private note(name: string, segment: number, damage: DamageStep, fresh: boolean): void {
    if (this.met.has(name)) return;
    this.met.set(name, { segment, rows: damage.rows ?? 0 });
    if (fresh) logDamaged(damage.rows ?? 0);
  }

  private async has(name: string): Promise<boolean> {
    try {
      await this.fs.stat(join(this.directory, `${name}.json`));
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  private async copy(from: LogFile, name: string, damage: DamageStep, segment: number): Promise<void> {
    await this.fs.makeDirectory(this.directory);
    await this.write(`${name}.bytes`, async write => {
      for (let done = 0; done < damage.bytes; ) {
        const piece = Buffer.alloc(Math.min(copyBytes, damage.bytes - done));
        const read = await from.read(piece, damage.offset + done);
        if (read === 0) return;
        await write(piece.subarray(0, read));
        done += read;
      }
    });
    const { offset, bytes, row, rows, reason } = damage;
    const text = JSON.stringify({ segment, offset, bytes, row, rows, reason, found: new Date().toISOString() });
    await this.write(`${name}.json`, write => write(Buffer.from(`${text}\n`)));
    await this.fs.syncDirectory(this.directory);
  }

  /** A half-written file of an earlier try is overwritten. */
  private async write(name: string, fill: (write: (piece: Buffer) => Promise<void>) => Promise<void>): Promise<void> {
    const path = join(this.directory, name);
    await this.fs.unlink(path).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
    const file = await this.fs.open(path, 'create');
    try {
      let position = 0;
      await fill(async piece => {
        const written = await file.writev([piece], position);
        if (written !== piece.length) throw new Error(`the disk took ${written} of ${piece.length} bytes`);
        position += written;
      });
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}
