// Python with the log clients that test/flow/python-clients.test.ts drives, in an environment of its own below node_modules.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './launch.mjs';

const packages = [
  'opentelemetry-sdk==1.45.2',
  'opentelemetry-exporter-otlp-proto-http==1.45.2',
  'python-logging-loki==0.3.1',
];

/** The Python to run them with; undefined, after a note that says why, where they cannot be had. */
export function ensurePythonClients(note) {
  const folder = join(root, 'node_modules', '.cache', `python-${packages.map(name => name.split('==')[1]).join('-')}`);
  const python = join(folder, 'bin', 'python');
  if (existsSync(python)) return python;
  note('installing Python log clients for the client tests ...');
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  const steps = [
    ['python3', ['-m', 'venv', making]],
    [
      join(making, 'bin', 'python'),
      [
        '-m',
        'pip',
        'install',
        '-q',
        '--disable-pip-version-check',
        '--retries',
        '1',
        '--only-binary',
        ':all:',
        ...packages,
      ],
    ],
  ];
  for (const [command, args] of steps) {
    const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 2], timeout: 120_000 });
    if (status === 0) continue;
    const why = error ? error.message : 'the lines above say why';
    note(`PYTHON CLIENT TESTS WILL BE SKIPPED: "${command} ${args.slice(0, 3).join(' ')}" failed, ${why}`);
    return undefined;
  }
  // Last, so that a half-made one is not taken for whole. Its scripts name the old place, but only `python -m` is used.
  renameSync(making, folder);
  return python;
}
