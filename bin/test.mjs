// `npm test`: everything a fresh clone needs, a browser and Python log clients for their tests where they can be installed, then the tests.
// `--faults` runs the fault tests in their long form, `--full` everything in its long form. The last line is `N passed, N failed` (`, N skipped`).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { findNode, root } from './launch.mjs';
import { ensurePythonClients } from './python-clients.mjs';
import { ensureDependencies, ensureWeb } from './setup.mjs';

const note = text => process.stderr.write(`test: ${text}\n`);
const args = process.argv.slice(2);
const mode = args.includes('--full') ? 'full' : args.includes('--faults') ? 'faults' : 'quick';
const rest = args.filter(a => a !== '--full' && a !== '--faults');
if (mode === 'faults') rest.push('test/faults');

function ensureChromium() {
  const known =
    ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync) ??
    process.env.WEIR_CHROMIUM;
  if (known) return known;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    note(
      'BROWSER TESTS WILL BE SKIPPED: no Chromium found, and it can be installed only as root on a system with apt; install chromium or set WEIR_CHROMIUM',
    );
    return undefined;
  }
  note('installing Chromium from the system packages for the browser tests ...');
  const apt = (...words) =>
    spawnSync('apt-get', words, {
      stdio: ['ignore', 'ignore', 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  if (
    !(
      apt('install', '-y', '-q', '--no-install-recommends', 'chromium') ||
      (apt('update', '-q') && apt('install', '-y', '-q', '--no-install-recommends', 'chromium'))
    )
  ) {
    note('BROWSER TESTS WILL BE SKIPPED: apt-get could not install chromium, the lines above say why');
    return undefined;
  }
  return '/usr/bin/chromium';
}

ensureDependencies();
ensureWeb();
const chromium = ensureChromium();
const python = process.env.WEIR_PYTHON ?? ensurePythonClients(note);
const node = findNode() ?? process.execPath;
const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const report = join(folder, 'report.json');
const child = spawn(
  node,
  [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...rest,
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: dirname(node) + delimiter + process.env.PATH,
      WEIR_TEST_MODE: mode,
      ...(chromium && { WEIR_CHROMIUM: chromium }),
      ...(python && { WEIR_PYTHON: python }),
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', code => {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    passed = result.numPassedTests;
    // A file that fails to load has no tests of its own; it must count as a failure.
    failed =
      result.numFailedTests +
      result.testResults.filter(f => f.status === 'failed' && f.assertionResults.length === 0).length;
    skipped = result.numPendingTests + result.numTodoTests;
  } catch (error) {
    note(`the test runner left no report: ${error.message}`);
    failed = 1;
  }
  rmSync(folder, { recursive: true, force: true });
  if (code !== 0 && failed === 0) failed = 1;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exit(code === 0 && passed > 0 ? 0 : 1);
});
