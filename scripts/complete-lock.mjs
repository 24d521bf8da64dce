// npm leaves out of package-lock.json the optional platform packages that the machine at hand could not resolve, and its next `npm ci`
// then refuses the very lockfile ("Missing: ... from lock file", npm/cli issue 9846). This adds each of them as a stub
// {version, os, cpu, libc, optional}; on its own platform npm resolves it by version. Run it after every change of dependencies: npm run lock.
import { readFileSync, writeFileSync } from 'node:fs';

const file = 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8'));
const packages = lock.packages;

const systems = {
  'darwin|macos': 'darwin',
  'win32|windows': 'win32',
  android: 'android',
  freebsd: 'freebsd',
  openharmony: 'openharmony',
  linux: 'linux',
};
const processors = {
  arm64: 'arm64',
  x64: 'x64',
  ia32: 'ia32',
  riscv64: 'riscv64',
  ppc64: 'ppc64',
  s390x: 's390x',
  loong64: 'loong64',
  arm: 'arm',
};
const pick = (name, table) =>
  Object.entries(table).find(([pattern]) => new RegExp(pattern).test(name))?.[1] ?? 'unknown';

/** Whether `name` is installed where Node would find it from the package at `from`. */
function resolves(from, name) {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    if (packages[`${base ? `${base}/` : ''}node_modules/${name}`]) return true;
    if (!base) return false;
  }
}

let added = 0;
for (const [path, entry] of Object.entries(packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolves(path, name)) continue;
    packages[`node_modules/${name}`] = {
      version: range.replace(/^[^0-9]+/, ''),
      optional: true,
      ...(entry.dev && { dev: true }),
      os: [pick(name, systems)],
      cpu: [pick(name, processors)],
      ...(name.includes('musl') && { libc: ['musl'] }),
    };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${file}: ${added} optional packages of other platforms added`);
