// What a fresh clone lacks: dependencies from the lockfile and the built web page. Does only what is missing and says what it does.
// Plain JavaScript without dependencies, since nothing is installed when it first runs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { findNode, root } from './launch.mjs';

const note = text => process.stderr.write(`weir: ${text}\n`);
const hashOf = files => {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  return hash.digest('hex');
};
const stampIs = (stamp, value) => existsSync(stamp) && readFileSync(stamp, 'utf8') === value;

function run(command, args, what) {
  const node = findNode();
  const env = { ...process.env, PATH: (node ? dirname(node) + delimiter : '') + process.env.PATH };
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], env });
  if (done.error || done.status !== 0) {
    note(`${what} failed (${done.error?.message ?? `exit code ${done.status}`}); the lines above say why`);
    process.exit(1);
  }
}

/** Install the dependencies of package-lock.json unless that very lockfile is installed already. */
export function ensureDependencies() {
  const stamp = join(root, 'node_modules', '.weir-installed');
  const wanted = hashOf(['package-lock.json']);
  if (stampIs(stamp, wanted)) return;
  const start = Date.now();
  note('installing dependencies from the lockfile (about 300 MB the first time) ...');
  // The nested install must see the package's own settings only: a strict engine check would refuse the older Node that it runs on.
  run(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--engine-strict=false'],
    'npm ci',
  );
  writeFileSync(stamp, wanted);
  note(`dependencies ready after ${Math.round((Date.now() - start) / 1000)} s`);
}

const filesUnder = folder =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(e => e.isFile())
    .map(e => join(e.parentPath ?? e.path, e.name).slice(root.length + 1))
    .sort();

/** Build the web page unless dist/web was built from these very sources. */
export function ensureWeb() {
  const stamp = join(root, 'dist', 'web', '.built-from');
  const wanted = hashOf([
    'package-lock.json',
    'vite.config.ts',
    'src/query/contract.ts',
    ...filesUnder('src/web').filter(f => !f.includes('.test.')),
  ]);
  if (stampIs(stamp, wanted)) return;
  note('building the web page ...');
  const node = findNode();
  run(
    node ?? process.execPath,
    [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'],
    'vite build',
  );
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}
