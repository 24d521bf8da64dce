import { parseArgs } from 'node:util';
import { type BenchOptions, runBench } from './bench.ts';

const help = `weir bench: every figure of the README, measured on this machine

  --small               about a minute: small sets, no growth, memory, wide or page cases
  --only <a,b>          of: limits, ingest, queries, latency, wide, replay, memory, growth, dashboards, language, explorer
  --peer <kind>         victorialogs or loki: send it the same data and questions ...
  --peer-url <url>      ... at this address ...
  --peer-pid <pid>      ... and measure this process
  --out <file>          write the figures as JSON`;

/** `weir bench ...`. Exit code 0 when every target was met, 1 when one was missed, 2 for wrong arguments. */
export async function benchCommand(args: string[]): Promise<number> {
  const say = (text: string): boolean => process.stdout.write(`${text}\n`);
  try {
    const { values } = parseArgs({
      args,
      options: {
        small: { type: 'boolean' },
        only: { type: 'string' },
        peer: { type: 'string' },
        'peer-url': { type: 'string' },
        'peer-pid': { type: 'string' },
        out: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      say(help);
      return 0;
    }
    const options: BenchOptions = { small: values.small ?? false };
    if (values.only !== undefined) options.only = values.only.split(',');
    if (values.out !== undefined) options.out = values.out;
    if (values.peer !== undefined) {
      if (values.peer !== 'victorialogs' && values.peer !== 'loki')
        throw new TypeError(`--peer: "${values.peer}" is not victorialogs or loki`);
      if (values['peer-url'] === undefined || values['peer-pid'] === undefined)
        throw new TypeError('--peer needs --peer-url and --peer-pid');
      options.peer = { kind: values.peer, url: values['peer-url'].replace(/\/$/, ''), pid: Number(values['peer-pid']) };
    }
    return (await runBench(options, say)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message}\n\n${help}\n`);
    return 2;
  }
}
