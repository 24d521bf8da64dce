import { existsSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { CliError, exitCode } from './cli/exit-code.ts';
import type { HandedIn } from './cli/program.ts';

// An older Node started this process to have a newer one (bin/launch.mjs). When that launcher is killed, so are we, and at once: to the
// outside it was the program, and a kill -9 of the program must look like one.
if (process.env.WEIR_LAUNCHED === '1' && process.channel) {
  process.channel.unref();
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
}

// `weir ... | head`: whoever reads has had enough, and commands without a say in it just end.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (process.stdout.listenerCount('error') === 1) process.exit(0);
});

const handed: HandedIn = {
  up: async (options, onReady) =>
    (await import('./roles/all-in-one.ts')).runAllInOne(options, url => {
      onReady(url);
      // now, so that the next start is light however this one ends
      flushCompileCache();
    }),
  async walCheck(directory) {
    const { checkLog } = await import('./buffer/wal/check.ts');
    const { damaged } = await checkLog(existing(directory), line => process.stdout.write(`${line}\n`));
    return damaged === 0 ? 0 : 1;
  },
  async walExport(directory) {
    const { exportLog } = await import('./buffer/wal/export.ts');
    try {
      const { damaged } = await exportLog(existing(directory), process.stdout, {
        warn: line => process.stderr.write(`${line}\n`),
      });
      return damaged === 0 ? exitCode.done : exitCode.partial;
    } catch (error) {
      // Whoever reads has had enough.
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') return exitCode.done;
      throw error;
    }
  },
  bench: async args => (await import('../bench/command.ts')).benchCommand(args),
};

/** Throws when there is no such directory, since an empty report would look like an empty log. */
function existing(directory: string): string {
  if (!existsSync(directory))
    throw new CliError(exitCode.usage, `${directory}: no such directory; name the data directory of weir up (--data)`);
  return directory;
}

// Halves the start of the light commands; loaded after it is on, since it is for what is loaded later.
enableCompileCache();
const { runCli } = await import('./cli/program.ts');
process.exitCode = await runCli(process.argv.slice(2), handed);
// A finished command must not be kept alive by an idle connection.
if (process.exitCode !== undefined) setTimeout(() => process.exit(), 500).unref();
