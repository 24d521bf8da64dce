// Runs a script of this package on Node 24 or newer, whatever Node started it: in this process when it is new enough, else on the
// Node binary that npm installed with the dependencies (packages node-linux-*). Plain JavaScript, since Node 20 has to read it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const nodeMajorMin = 24;

/** Path of a Node binary that is new enough, or undefined. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) return process.execPath;
  const os = process.platform === 'win32' ? 'win' : process.platform;
  for (const name of [`node-${os}-${process.arch}`, `node-bin-${os}-${process.arch}`]) {
    try {
      const folder = join(root, 'node_modules', name);
      return join(folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).bin.node);
    } catch {
      // Not installed for this platform: try the next name.
    }
  }
  return undefined;
}

/**
 * Run `script` with `args`, on a Node with `flags`. Never returns when another Node is needed: signals go on to the child, its exit code
 * becomes ours. A Node that is new enough replaces itself when there are flags, and keeps its pid. `env` is added to the environment.
 * The child holds an IPC channel to this process and ends at once when it breaks, so a SIGKILL of the launcher is one of the program.
 */
export async function launch(script, args, flags = [], env = {}) {
  const node = findNode();
  if (!node) {
    console.error(
      `This program needs Node ${nodeMajorMin} or newer; this is ${process.version}, and npm installed no newer one for ${process.platform} ${process.arch}.`,
    );
    process.exit(1);
  }
  if (node === process.execPath) {
    if (flags.length > 0 && process.execve)
      process.execve(node, [node, ...flags, resolve(script), ...args], { ...process.env, ...env });
    process.argv = [process.execPath, resolve(script), ...args];
    await import(pathToFileURL(process.argv[1]).href);
    return;
  }
  const child = spawn(node, [...flags, resolve(script), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env, PATH: dirname(node) + delimiter + process.env.PATH, WEIR_LAUNCHED: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
  child.on('error', error => {
    console.error(`Node at ${node} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) =>
    process.exit(signal ? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGTERM' ? 15 : 9) : (code ?? 1)),
  );
}

/**
 * Flags of a Node that runs the server. Bodies and log reads are large buffers outside the heap, and V8 collects its whole heap each time they
 * have grown by a share of the heap: 39 full collections while 300 MB came in with a small heap, 8 with this one, a tenth of all CPU.
 * A young generation of 2 MB is collected before the buffers of dead requests come to that, at 1 ms a time: 2 full collections.
 */
export const serverFlags = ['--initial-heap-size=400', '--min-semi-space-size=1', '--max-semi-space-size=2'];

/**
 * Environment of a Node that runs the server. Node keeps compiled code there, that of TypeScript without its types: where all of it is found, no thread
 * loads the compiler that takes the types off (13 to 16 MB in each of the two processes and of the engine's session threads). Inside the package, so that
 * only those who may write the program can write it; where nobody can, Node goes without.
 */
export const serverEnv = {
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'weir'),
};

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [, , script, ...args] = process.argv;
  await launch(script, args);
}
