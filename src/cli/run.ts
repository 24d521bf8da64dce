import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { basename, delimiter, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { limits } from '../base/limits.ts';
import type { Connection } from './connection.ts';
import { CliError, exitCode } from './exit-code.ts';
import { createLineCutter } from './lines.ts';
import { drained, say } from './output.ts';
import { durationOption, ingestParameters, type LabelOptions } from './ship-options.ts';
import { createShipper, type Shipper } from './shipper.ts';
import { plural } from './terminal.ts';

export type RunOptions = Connection & LabelOptions & { flushFor: string };

/** The program goes on when the server does not; lines beyond this much memory are left out and counted. */
const bufferBytesMax = 64 * 1024 * 1024;

/** A shell's numbers for a program that cannot be started. */
const notFound = 127;
const notExecutable = 126;

/**
 * `weir run -- CMD`: runs a program as if Weir were not there (its output, signals and exit code pass through) and sends the lines of stdout and stderr.
 * The server can neither slow nor stop the program. Returns the program's exit code, 128 + n for signal n.
 */
export async function run(command: string[], options: RunOptions): Promise<number> {
  const [program, ...args] = command;
  if (program === undefined) throw new CliError(exitCode.usage, 'which program? write: weir run -- npm start');
  const flushForMs = durationOption('--flush-for', options.flushFor);
  const service = options.service ?? serviceOf(command);
  const child = spawn(program, args, { stdio: ['inherit', 'pipe', 'pipe'], env: environmentOfUser() });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;
  for (const signal of signals) {
    process.on(signal, () => {
      // On a terminal Ctrl+C reaches the whole group, the program included.
      const fromKeyboard = (signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY === true;
      if (!fromKeyboard) child.kill(signal);
    });
  }
  const startFault = new Promise<Error & { code?: string }>(resolve => child.once('error', resolve));
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  exited.catch(() => undefined);

  const dropped = { lines: 0 };
  // Both streams meet the same trouble; it is told once.
  let told = '';
  const onTrouble = (text: string): void => {
    if (text !== told) say(`weir: ${text}`);
    told = text;
  };
  const shippers: Shipper[] = [];
  const follow = async (stream: 'stdout' | 'stderr'): Promise<void> => {
    const shipper = createShipper({
      connection: options,
      parameters: ingestParameters({ ...options, service, label: [...options.label, `stream=${stream}`] }),
      retryForMs: 0,
      onTrouble,
    });
    shippers.push(shipper);
    await pass(child[stream], process[stream], shipper, dropped);
  };
  const following = Promise.all([follow('stdout'), follow('stderr')]);
  const outcome = await Promise.race([startFault, exited]);
  if (outcome instanceof Error) {
    for (const shipper of shippers) shipper.close();
    say(`${program} cannot be started: ${outcome.message}`);
    return outcome.code === 'ENOENT' ? notFound : notExecutable;
  }
  await following;
  await deliverRest(shippers, flushForMs);
  if (dropped.lines > 0) say(`weir: ${plural(dropped.lines, 'line')} left out, because the server took too little`);
  const [code, signal] = outcome;
  return signal ? 128 + constants.signals[signal] : (code ?? exitCode.done);
}

/** Copies bytes to our own stream at once and lines to the shipper; the shipper is never waited for. */
async function pass(
  from: Readable,
  to: NodeJS.WriteStream,
  shipper: Shipper,
  dropped: { lines: number },
): Promise<void> {
  const cutter = createLineCutter('auto', limits.bodyBytesMax / 2);
  let dead = false;
  const readerGone = new AbortController();
  to.on('error', () => {
    readerGone.abort();
    from.destroy();
  });
  const ship = (blocks: ReturnType<typeof cutter.push>): void => {
    for (const block of blocks) {
      if (dead || shipper.pendingBytes() > bufferBytesMax) {
        dropped.lines += block.lines;
        continue;
      }
      shipper.add(block).catch((error: Error) => {
        if (!dead) say(`weir: ${error.message}`);
        dead = true;
      });
    }
  };
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      ship(cutter.push(chunk));
      if (!to.write(chunk) && !readerGone.signal.aborted) await drained(to, readerGone.signal);
    }
  } catch {
    // The reader of our output is gone; the program learns it from its own closed pipe.
  }
  ship(cutter.end());
  dropped.lines += cutter.tooLong();
}

async function deliverRest(shippers: Shipper[], forMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>(resolve => {
    if (forMs > 0) timer = setTimeout(resolve, forMs);
  });
  await Promise.race([Promise.all(shippers.map(shipper => shipper.flush().catch(() => undefined))), deadline]);
  clearTimeout(timer);
  const left = shippers.reduce((sum, shipper) => sum + shipper.pendingLines(), 0);
  if (left > 0) say(`weir: ${plural(left, 'line')} could not be delivered`);
  for (const shipper of shippers) shipper.close();
}

/** `node app.js` says more by its argument than by its name; `node -e '...'` does not. */
function serviceOf(command: string[]): string {
  const first = basename(command[0] ?? 'program');
  const generic = /^(node|npm|npx|pnpm|yarn|python3?|java|ruby|deno|bun|sh|bash|env)$/.test(first);
  const own = generic
    ? command.slice(1).find(word => /^[\w@./][\w@./-]*$/.test(word) && !/^(run|exec|start)$/.test(word))
    : undefined;
  return basename(own ?? first).replace(/\.([mc]?[jt]s|py|rb|jar|sh)$/, '') || first;
}

/** The launcher puts its own Node in front of the PATH; the program gets the one that its user set. */
function environmentOfUser(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  if (environment.WEIR_LAUNCHED === undefined) return environment;
  delete environment.WEIR_LAUNCHED;
  const [first, ...rest] = (environment.PATH ?? '').split(delimiter);
  if (first === dirname(process.execPath)) environment.PATH = rest.join(delimiter);
  return environment;
}
