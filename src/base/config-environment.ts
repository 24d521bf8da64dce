import { nearest } from './nearest.ts';

/** Part of a JSON Schema: what may stand at a place of weir.yaml. */
type Place = { properties?: Record<string, Place> };

const prefix = 'WEIR_';
/** Variables of the command line, of the launcher and of the tests. */
const others = ['URL', 'TOKEN', 'TENANT', 'LAUNCHED', 'PYTHON', 'CHROMIUM', 'SCREENSHOTS', 'TEST_MODE', 'TEST_SEED'];
/** Kubernetes gives each pod such variables for a service that is called `weir`. */
const ofKubernetes = /^(?:SERVICE_(?:HOST|PORT)|PORT$|PORT_\d)/;

function* namesIn({ properties = {} }: Place, before: readonly string[] = []): Generator<string[]> {
  for (const [key, place] of Object.entries(properties)) {
    const path = [...before, key];
    yield path;
    yield* namesIn(place, path);
  }
}

export type Environment = {
  /** Paths of keys and what is set there. */
  settings: { path: readonly string[]; value: string }[];
  /** Variables that set nothing, and what one may have meant. */
  strays: { name: string; guess: string | undefined }[];
};

/** Environment overrides: `WEIR_LISTEN`, `WEIR_STORE__URL` (`__` descends). `schema`: JSON Schema of weir.yaml. */
export function readEnvironment(schema: Place, environment: Record<string, string | undefined>): Environment {
  const known = new Map([...namesIn(schema)].map(path => [path.join('__').toUpperCase(), path]));
  const found: Environment = { settings: [], strays: [] };
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || value === undefined) continue;
    const rest = name.slice(prefix.length).toUpperCase();
    const path = known.get(rest);
    if (path !== undefined) found.settings.push({ path, value });
    else if (!others.includes(rest) && !ofKubernetes.test(rest)) {
      const near = nearest(rest, [...known.keys(), ...others]);
      found.strays.push({ name, guess: near === undefined ? undefined : prefix + near });
    }
  }
  return found;
}
