#!/usr/bin/env node
import { join } from 'node:path';
import { launch, root, serverEnv, serverFlags } from './launch.mjs';
import { ensureDependencies, ensureWeb } from './setup.mjs';

const args = process.argv.slice(2);
ensureDependencies();
const serves = args[0] === 'up' || args[0] === 'demo';
if (serves) ensureWeb();
await launch(join(root, 'src', 'main.ts'), args, serves ? serverFlags : [], serves ? serverEnv : {});
