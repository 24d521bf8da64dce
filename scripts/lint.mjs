// `npm run lint`: types, lint rules and format, all of them even when the first fails, so that one run tells everything.
import { spawnSync } from 'node:child_process';
import { ensureDependencies } from '../bin/setup.mjs';

ensureDependencies();
const steps = [
  ['types', 'tsc', ['-p', '.']],
  ['lint rules', 'oxlint', ['--type-aware', '--deny-warnings', 'src', 'test', 'bench']],
  ['format (npm run format mends it)', 'biome', ['format', '.']],
];
let failed = 0;
for (const [what, command, args] of steps) {
  const done = spawnSync(`node_modules/.bin/${command}`, args, { stdio: 'inherit' });
  console.log(`lint: ${what}: ${done.status === 0 ? 'clean' : 'FAILED'}`);
  if (done.status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
