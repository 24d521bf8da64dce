import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CliError, exitCode } from './exit-code.ts';

// Commands are loaded when they are called, so that help and the light commands start fast.

export type UpOptions = {
  data?: string;
  listen?: string;
  config?: string;
  otlpListen?: string /** False for --no-demo; absent = as the config says. */;
  demo?: boolean;
};

/** What other rooms can do; main hands it over. Each returns the exit code and rejects with a WeirError or CliError whose message is for the user. */
export type HandedIn = {
  /** Runs the server until it is told to stop. `onReady` is called once with the address. */
  up(options: UpOptions, onReady: (url: string) => void): Promise<number>;
  /** Reads a whole log directory, prints a report, and finds damage. */
  walCheck(directory: string): Promise<number>;
  /** Prints the records of a log directory as NDJSON. */
  walExport(directory: string): Promise<number>;
  /** The arguments after `bench`, unread. */
  bench(args: string[]): Promise<number>;
};

const integer =
  (low: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < low) throw new InvalidArgumentError(`write a whole number from ${low}`);
    return value;
  };

const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('write a number above 0');
  return value;
};

const collect = (value: string, list: string[]): string[] => [...list, value];

const label = (): Option =>
  new Option('--label <name=value>', 'another label; may be repeated').argParser(collect).default([], 'none');

const words = (query: string[]): string => query.join(' ');

/** A command that talks to a server. */
function client(program: Command, usage: string, text: string): Command {
  return program
    .command(usage)
    .description(text)
    .addOption(new Option('--url <url>', 'address of the server').env('WEIR_URL').default('http://127.0.0.1:7575'))
    .addOption(new Option('--token <token>', 'token of the server').env('WEIR_TOKEN'))
    .addOption(new Option('--tenant <name>', 'tenant, sent as X-Scope-OrgID').env('WEIR_TENANT'));
}

const since = [
  '--since <time>',
  'start: 2h, yesterday 14:00, RFC 3339, or a range 14:05..14:20 (default: 1h)',
] as const;
const from = ['--from <time>', 'start, as --since'] as const;
const to = ['--to <time>', 'end (default: now)'] as const;
const direction = new Option('--direction <way>', 'order of rows').choices(['backward', 'forward']);
const format = new Option('-o, --output <format>', 'default on a terminal, ndjson elsewhere').choices([
  'default',
  'raw',
  'ndjson',
]);
const colour = new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto');

function askingCommands(program: Command, done: (code: number) => void): void {
  client(program, 'search [query...]', 'find records by words, field:value or an id, or run LogQL')
    .option(...since)
    .option(...from)
    .option(...to)
    .option('--limit <n>', 'rows at most; 0 = all', integer(0), 500)
    .addOption(direction.default('backward'))
    .option('--step <seconds>', 'step of a metric query', positive)
    .addOption(format)
    .addOption(colour)
    .option('--explain', 'say how the query was understood, with its SQL')
    .option('--stats', 'say what the query cost')
    .action(async (query: string[], options) =>
      done(await (await import('./search.ts')).search(words(query), options)),
    );
  client(program, 'eql <query...>', 'find events and sequences of events (EQL)')
    .option('--since <time>', 'start: 24h, yesterday 14:00, RFC 3339, or a range 14:05..14:20 (default: 24h)')
    .option(...from)
    .option(...to)
    .option('--limit <n>', 'events, sequences or samples at most', integer(1), 100)
    .option('--oldest', 'the oldest matches instead of the newest')
    .addOption(format)
    .addOption(colour)
    .action(async (query: string[], options) => done(await (await import('./eql.ts')).eql(words(query), options)));
  client(program, 'explain [query...]', 'say what a query means and what it would read, without running it')
    .option(...since)
    .option(...from)
    .option(...to)
    .addOption(format)
    .addOption(colour)
    .action(async (query: string[], options) =>
      done(await (await import('./explain.ts')).explain(words(query), options)),
    );
  client(program, 'tail [query...]', 'follow records as they arrive')
    .option('--since <time>', 'begin with records since then')
    .option('--limit <n>', 'records from before at most', integer(1), 100)
    .addOption(format)
    .addOption(colour)
    .action(async (query: string[], options) => done(await (await import('./tail.ts')).tail(words(query), options)));
  client(program, 'hist [query...]', 'count records over time by level, or by a field')
    .option(...since)
    .option(...from)
    .option(...to)
    .option('--by <field>', 'count by the values of a field instead')
    .option('--buckets <n>', 'bars', integer(1), 24)
    .addOption(format)
    .addOption(colour)
    .action(async (query: string[], options) => done(await (await import('./hist.ts')).hist(words(query), options)));
  client(program, 'patterns [query...]', 'list the kinds of lines and how many there are of each')
    .option(...since)
    .option(...from)
    .option(...to)
    .option('--limit <n>', 'patterns at most', integer(1), 50)
    .addOption(format)
    .addOption(colour)
    .action(async (query: string[], options) =>
      done(await (await import('./patterns.ts')).patterns(words(query), options)),
    );
  client(program, 'export [query...]', 'write every matching record, however many')
    .option(...since)
    .option(...from)
    .option(...to)
    .addOption(new Option('--direction <way>', 'order of rows').choices(['backward', 'forward']).default('forward'))
    .addOption(new Option('-o, --output <format>', 'format').choices(['ndjson', 'csv', 'parquet']).default('ndjson'))
    .option('--out <file>', 'write to a file instead of stdout')
    .action(async (query: string[], options) =>
      done(await (await import('./export.ts')).exportRecords(words(query), options)),
    );
  client(program, 'doctor', 'look for what could be wrong, here and at the server')
    .option('--data <dir>', 'data directory to check the disk of', './weir-data')
    .addOption(format)
    .addOption(colour)
    .action(async options => done(await (await import('./doctor.ts')).doctor(options)));
}

function sendingCommands(program: Command, done: (code: number) => void): void {
  client(program, 'send [file...]', 'send lines of stdin or of files: JSON objects as records, other lines as text')
    .option('--service <name>', 'label service of the lines')
    .addOption(label())
    .option('--json', 'every line is a JSON object')
    .option('--text', 'every line is text')
    .option('--time-field <name>', 'field with the time of a JSON object')
    .option('--time-unit <unit>', 'what a time as a number counts: s, ms, us, ns or filetime (default: by its size)')
    .option('--message-field <name>', 'field with the message of a JSON object')
    .option('--label-fields <names>', 'fields of a JSON object that become labels, with commas')
    .option('--retry-for <duration>', 'go on trying for so long when the server does not answer; 0 = for ever', '5m')
    .action(async (files: string[], options) => done(await (await import('./send.ts')).send(files, options)));
  client(program, 'run <command...>', 'run a program and send what it writes: weir run -- node app.js')
    .option('--service <name>', 'label service (default: from the command)')
    .addOption(label())
    .option('--flush-for <duration>', 'wait so long for the last lines at the end; 0 = for ever', '5s')
    .passThroughOptions()
    .action(async (command: string[], options) => done(await (await import('./run.ts')).run(command, options)));
}

function localCommands(program: Command, handed: HandedIn, done: (code: number) => void): void {
  const config = program.command('config').description('check, print or describe weir.yaml');
  const load = () => import('./config-command.ts');
  const file = ['--config <file>', 'file (default: weir.yaml here)'] as const;
  config
    .command('check')
    .description('report every fault with its place')
    .option(...file)
    .action(async options => done((await load()).checkConfig(options.config)));
  config
    .command('print')
    .description('print the settings in force')
    .option(...file)
    .action(async options => done((await load()).printConfig(options.config)));
  config
    .command('schema')
    .description('print the JSON Schema, for editors')
    .action(async () => done((await load()).printSchema()));
  const wal = program
    .command('wal')
    .description('look into the write-ahead log of a data directory; Weir must not be running on it');
  const directory = ['[dir]', 'data directory', './weir-data'] as const;
  wal
    .command('check')
    .description('verify every frame')
    .argument(...directory)
    .action(async (dir: string) => done(await handed.walCheck(dir)));
  wal
    .command('export')
    .description('print every record as NDJSON')
    .argument(...directory)
    .action(async (dir: string) => done(await handed.walExport(dir)));
  program
    .command('completion')
    .description('print a script for the shell: source <(weir completion bash)')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      process.stdout.write((await import('./completion.ts')).completionScript(program, shell));
      done(exitCode.done);
    });
  program
    .command('bench')
    .description('measure ingest and queries on this machine (bench --help says more)')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[args...]')
    .passThroughOptions()
    .action(async (args: string[]) => done(await handed.bench(args)));
}

function serverCommands(program: Command, handed: HandedIn, done: (code: number) => void): void {
  const announce = (url: string): void => {
    // Among the lines of its log, which a terminal gets too, it is the one to find.
    const [open, close] = process.stderr.isTTY ? ['\n  ', '   (Ctrl+C stops it)\n\n'] : ['', '\n'];
    process.stderr.write(`${open}Weir is ready: ${url}${close}`);
  };
  const settings = (command: Command): Command =>
    command
      .option('--data <dir>', 'directory for the log and the store (default: ./weir-data)')
      .option('--listen <host:port>', 'address of the HTTP port (default: 127.0.0.1:7575)')
      .option('--otlp-listen <host:port>', 'second address for OTLP/HTTP, or off (default: 127.0.0.1:4318)')
      .option('--config <file>', 'configuration (default: weir.yaml here, if there is one)');
  settings(program.command('up').description('start the server'))
    .option('--no-demo', 'no sample data in an empty data directory')
    .action(async (options: UpOptions) => {
      // commander sets `demo` to true by itself; only an explicit --no-demo overrules the config.
      const { demo, ...rest } = options;
      done(await handed.up(demo === false ? { ...rest, demo } : rest, announce));
    });
  settings(
    program
      .command('demo')
      .description('start with sample data, in a directory that is removed at the end unless --data is given'),
  ).action(async (options: UpOptions) => {
    const folder = options.data ?? mkdtempSync(join(tmpdir(), 'weir-demo-'));
    try {
      done(await handed.up({ ...options, data: folder, demo: true }, announce));
    } finally {
      if (options.data === undefined) rmSync(folder, { recursive: true, force: true });
    }
  });
}

const examples = `
Examples:
  weir up                                      start, then open http://127.0.0.1:7575
  tail -f app.log | weir send --service app    send a file as it grows
  weir run -- npm start                        run a program and keep its output
  weir search timeout --since 2h               find words
  weir search 'error service:web -status:200'  find by fields; weir explain says what that means
  weir search 4bf92f3577b34da6a3ce929d0e0e4736 find an id, however old
  weir search '{service_name="web"} |= "refused" | json | status >= 500'
  weir eql 'sequence by user.name [login where outcome == "failure"] [login where outcome == "success"]'
  weir hist --by service_name --since 24h
  weir export '{service_name="web"}' -o parquet --out web.parquet --since 7d

Exit codes: 0 matched or done, 1 nothing matched, 2 bad usage or query, 3 no connection or permission,
4 partial answer, 130 interrupted. Data goes to stdout, everything else to stderr; off a terminal rows are NDJSON.`;

function versionOf(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** The commands of `weir`. `done` gets the exit code of the one that ran. */
export function buildProgram(handed: HandedIn, done: (code: number) => void): Command {
  const program = new Command('weir');
  program
    .description('Log aggregation that one command starts and one team can trust.')
    .version(versionOf())
    .enablePositionalOptions()
    .addHelpText('after', examples)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'weir: ')) });
  serverCommands(program, handed, done);
  sendingCommands(program, done);
  askingCommands(program, done);
  localCommands(program, handed, done);
  return program;
}

/** Reads the arguments (without node and script), runs the command, and resolves with the exit code; never rejects for faults of the user or the world. */
export async function runCli(args: string[], handed: HandedIn): Promise<number> {
  let code: number = exitCode.done;
  const program = buildProgram(handed, result => {
    code = result;
  });
  if (args.length === 0) {
    program.outputHelp();
    return exitCode.usage;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage;
    const { WeirError } = await import('../base/errors.ts');
    if (error instanceof CliError || error instanceof WeirError) {
      process.stderr.write(`weir: ${error.message}\n`);
      return error instanceof CliError ? error.exit : error.retry ? exitCode.connection : exitCode.usage;
    }
    throw error;
  }
}
