import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { connect } from 'node:net';
import { freemem, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { limits } from '../base/limits.ts';
import type { StatusAnswer } from '../query/contract.ts';
import { bodyOf, call, type Connection, json } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { type Format, openOutput } from './output.ts';
import { createStop } from './stop.ts';
import { bytesText, type ColourChoice, countText } from './terminal.ts';

export type DoctorOptions = Connection & { data: string; output?: Format; color?: ColourChoice };

/** What was looked at, what was found, and what to do when it is not well. */
export type Finding = { check: string; ok: boolean; found: string; advice?: string };

const askMillis = 3000;
const skewSecondsMax = 5;
const lagSecondsMax = 5;
const nodeMajorMin = 24;
const diskFreeMin = 1024 ** 3;
const memoryMin = 1024 ** 3;

/** `weir doctor`: one line per check. Returns 0 when all is well, 1 when something is not. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const stop = createStop();
  const output = openOutput(options, stop);
  const findings = [nodeVersion(), ...(await server(options)), disk(options.data), memory()];
  for (const finding of findings) {
    if (output.format === 'ndjson') {
      await output.write(`${JSON.stringify(finding)}\n`);
      continue;
    }
    const mark = finding.ok ? output.paint.level('info', 'ok     ') : output.paint.level('error', 'problem');
    await output.write(
      `${mark} ${finding.check.padEnd(8)} ${finding.found}${finding.advice ? `\n                 ${output.paint.bold(finding.advice)}` : ''}\n`,
    );
  }
  stop.release();
  return findings.every(finding => finding.ok) ? exitCode.done : exitCode.noMatch;
}

function judge(check: string, ok: boolean, found: string, advice: string): Finding {
  return ok ? { check, ok, found } : { check, ok, found, advice };
}

function nodeVersion(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  return judge(
    'node',
    major >= nodeMajorMin,
    `Node ${process.versions.node}`,
    `Weir needs Node ${nodeMajorMin} or newer; start it by bin/weir.mjs, which brings one`,
  );
}

async function server(options: Connection): Promise<Finding[]> {
  let ready: { status: number; date: string | undefined; text: string };
  try {
    const response = await call(options, { path: '/readyz', timeoutMs: askMillis });
    ready = { status: response.statusCode ?? 0, date: response.headers.date, text: await bodyOf(response) };
  } catch (error) {
    return [
      judge('server', false, (error as Error).message, 'start it with: weir up, or name it with --url'),
      await port(4318),
    ];
  }
  const findings = [
    judge(
      'server',
      ready.status === 200,
      `${options.url} ${ready.status === 200 ? 'is ready' : `answers ${ready.status}: ${ready.text.slice(0, 120)}`}`,
      'wait for it to finish its start, or read its log',
    ),
  ];
  if (ready.date) {
    const skew = Math.round((Date.parse(ready.date) - Date.now()) / 1000);
    findings.push(
      judge(
        'clock',
        Math.abs(skew) <= skewSecondsMax,
        `server and this machine differ by ${Math.abs(skew)} s`,
        'set both clocks by NTP; records without a time get that of the server',
      ),
    );
  }
  try {
    const status = await json<StatusAnswer>(options, { path: '/api/v1/status', timeoutMs: askMillis });
    findings.push(
      judge(
        'engine',
        status.engine.up,
        `${status.engine.up ? 'up' : 'down'}, ${status.engine.version}, ${status.engine.restarts} restarts`,
        'ingest goes on without it; see the server log for why it ended',
      ),
      judge(
        'store',
        status.lagSeconds <= lagSecondsMax,
        `${countText(status.records)} records, ${status.lagSeconds.toFixed(1)} s behind the log`,
        'more comes in than the engine can take; see /metrics',
      ),
      judge('log', true, `${countText(status.wal.segments)} segments, ${bytesText(status.wal.bytes)}`, ''),
    );
  } catch (error) {
    findings.push(
      judge('engine', false, (error as Error).message, 'check --token and that server and command are of one version'),
    );
  }
  return findings;
}

/** Whether somebody else has the port that `weir up` will want. */
async function port(number: number): Promise<Finding> {
  const taken = await new Promise<boolean>(resolvePort => {
    const socket = connect({ port: number, host: '127.0.0.1', timeout: askMillis });
    const settle = (value: boolean): void => {
      socket.destroy();
      resolvePort(value);
    };
    socket.on('connect', () => settle(true));
    socket.on('error', () => settle(false));
    socket.on('timeout', () => settle(true));
  });
  return judge(
    'port',
    !taken,
    `127.0.0.1:${number} is ${taken ? 'taken' : 'free'}`,
    'another program has the OTLP port; give weir up --otlp-listen another one, or off',
  );
}

function disk(data: string): Finding {
  let folder = resolve(data);
  while (!existsSync(folder)) folder = dirname(folder);
  const stat = statfsSync(folder);
  const free = stat.bavail * stat.bsize;
  return judge(
    'disk',
    free > diskFreeMin + limits.walReserveBytes,
    `${bytesText(free)} free for ${data}`,
    'make room, or set retention.disk_bytes; below 64 MiB nothing is accepted',
  );
}

function memory(): Finding {
  const machine = totalmem();
  const cgroup = Number(readIf('/sys/fs/cgroup/memory.max'));
  const limit = Number.isFinite(cgroup) && cgroup > 0 ? Math.min(machine, cgroup) : machine;
  return judge(
    'memory',
    limit >= memoryMin,
    `${bytesText(limit)} for this machine or container, ${bytesText(freemem())} free`,
    'Weir wants 1 GB; less makes queries end early with a partial answer',
  );
}

function readIf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
