import { ensureDependencies, ensureWeb } from '../bin/setup.mjs';

ensureDependencies();
ensureWeb();
