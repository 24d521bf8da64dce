import { existsSync } from 'node:fs';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type Config, configSchema, loadConfig } from '../base/config.ts';
import { WeirError } from '../base/errors.ts';
import { exitCode } from './exit-code.ts';
import { say } from './output.ts';

function load(file: string | undefined): Config | undefined {
  try {
    return loadConfig(file);
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    say(error.message);
    return undefined;
  }
}

/** `weir config check`: every fault with its place on stderr, exit code 2; else one line that it is good. */
export function checkConfig(file: string | undefined): number {
  if (!load(file)) return exitCode.usage;
  const name = file ?? 'weir.yaml';
  say(existsSync(name) ? `${name} is good` : 'there is no weir.yaml here; the defaults and the environment are good');
  return exitCode.done;
}

const secret = '********';

/** `weir config print`: all settings as they are in force, secrets covered. */
export function printConfig(file: string | undefined): number {
  const config = load(file);
  if (!config) return exitCode.usage;
  const shown: Config = {
    ...config,
    tokens: config.tokens.map(token => ({ ...token, token: secret })),
    store: { ...config.store },
  };
  if (shown.store.url) shown.store.url = shown.store.url.replace(/(\/\/[^:/@]*:)[^@]*@/, `$1${secret}@`);
  if (shown.store.password) shown.store.password = secret;
  process.stdout.write(stringify(shown));
  return exitCode.done;
}

/** `weir config schema`: JSON Schema of weir.yaml, for editors. */
export function printSchema(): number {
  process.stdout.write(`${JSON.stringify(z.toJSONSchema(configSchema, { io: 'input' }), null, 2)}\n`);
  return exitCode.done;
}
