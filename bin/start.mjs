// `npm start`: everything a fresh clone needs, then Weir with sample data (`npm start -- --no-demo` starts empty).
import { join } from 'node:path';
import { launch, root, serverEnv, serverFlags } from './launch.mjs';
import { ensureDependencies, ensureWeb } from './setup.mjs';

ensureDependencies();
ensureWeb();
await launch(join(root, 'src', 'main.ts'), ['up', ...process.argv.slice(2)], serverFlags, serverEnv);
