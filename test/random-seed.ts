import fc from 'fast-check';

// Random tests take the same cases each time, so that a run speaks of the code and not of the day. `npm run test:full` takes other ones; a failure
// tells its seed, for `WEIR_TEST_SEED=<seed> npm test -- <file>`.
const given = process.env.WEIR_TEST_SEED;
if (given !== undefined) fc.configureGlobal({ seed: Number(given) });
else if (process.env.WEIR_TEST_MODE !== 'full') fc.configureGlobal({ seed: 7 });
