import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Session } from 'chdb';
import type { LaneCounts } from './child-contract.ts';
import { forgetFailed } from './failed-statement.ts';
import { EngineError, type QueryClass } from './request.ts';
import { SessionState, wholeText, type StatementText } from './statement-text.ts';
import type { WorkerData, WorkerEvent, WorkerOrder } from './stream-worker.ts';

/** Where an answer goes. `chunk` resolves when the next one may come; behind the last one, where that is known, nothing but the end comes. */
export type AnswerSink = {
  /** The query has its snapshot of the data. Not called for answers that come in one piece. */
  started(): void;
  chunk(bytes: Uint8Array, isLast?: boolean): void | Promise<void>;
};

/** A session and what it takes to run one statement at a time on it. */
export type Lane = {
  /** Resolves when the engine is done with the statement, rejects with the engine's error. `text` replaces the statement's own text. */
  run(statement: StatementText, sink: AnswerSink, text?: string): Promise<void>;
  /** Stop handing over chunks. The engine itself is stopped with KILL. */
  cancel(): void;
  close(): Promise<void>;
};

/** A session on the main thread, for statements whose answer comes in one piece: the engine plans and runs them on a thread of libuv's pool. */
export class WholeLane implements Lane {
  readonly #data: WorkerData;
  #session: Session;
  #state = new SessionState();

  constructor(data: WorkerData) {
    this.#data = data;
    this.#session = new Session(data.path, { connectionArgs: data.connectionArgs });
  }

  async run(statement: StatementText, sink: AnswerSink, text = wholeText(statement)): Promise<void> {
    const prepare = this.#state.prepare(statement);
    try {
      const answer = await this.#session.queryAsync(prepare + text, { format: statement.format });
      await sink.chunk(answer.bytes(), true);
    } catch (error) {
      // Which of the settings took effect is unknown.
      if (!(await forgetFailed(this.#session)) || prepare !== '') {
        this.#session.close();
        this.#session = new Session(this.#data.path, { connectionArgs: this.#data.connectionArgs });
        this.#state = new SessionState();
      }
      throw error;
    }
  }

  cancel(): void {}

  async close(): Promise<void> {
    this.#session.close();
  }
}

/** A session on a worker thread, for answers that are streamed; see stream-worker.ts for why. */
export class StreamLane implements Lane {
  readonly #worker: Worker;
  readonly #ready: Promise<unknown>;
  #state = new SessionState();

  /** `onDeath` is told when the thread ends without having been asked to; nothing on it can be trusted then. */
  constructor(data: WorkerData, onDeath: (reason: Error) => void) {
    this.#worker = new Worker(new URL('./stream-worker.ts', import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 },
    });
    this.#worker.on('error', onDeath);
    this.#ready = once(this.#worker, 'message');
  }

  #tell(order: WorkerOrder): void {
    this.#worker.postMessage(order);
  }

  async run(statement: StatementText, sink: AnswerSink, text?: string): Promise<void> {
    await this.#ready;
    const prepare = this.#state.prepare(statement);
    const worker = this.#worker;
    await new Promise<void>((resolve, reject) => {
      const onEvent = (event: WorkerEvent): void => {
        switch (event.is) {
          case 'started':
            sink.started();
            break;
          case 'chunk':
            void Promise.resolve(sink.chunk(event.bytes)).then(() => this.#tell({ do: 'more' }));
            break;
          case 'ended':
            worker.off('message', onEvent);
            resolve(event.bytes && sink.chunk(event.bytes, true));
            break;
          case 'failed':
            worker.off('message', onEvent);
            if (prepare !== '') this.#state = new SessionState();
            reject(new Error(event.message));
            break;
          case 'ready':
            break;
        }
      };
      worker.on('message', onEvent);
      this.#tell({
        do: 'run',
        prepare,
        sql: text ?? wholeText(statement),
        format: statement.format,
        way: text === undefined ? 'stream' : 'whole',
      });
    });
  }

  cancel(): void {
    this.#tell({ do: 'cancel' });
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners('error');
    const exited = once(this.#worker, 'exit');
    this.#tell({ do: 'close' });
    await exited;
  }
}

/** Lanes of one class and the statements that wait for one. Lanes are made when they are first needed: each costs about 10 MB. */
class LanePool {
  readonly #make: () => Lane;
  readonly #lanesMax: number;
  readonly #waitingMax: number;
  readonly lanes: Lane[] = [];
  readonly #idle: Lane[] = [];
  readonly #waiting: ((lane: Lane) => void)[] = [];

  constructor(make: () => Lane, lanesMax: number, waitingMax: number) {
    this.#make = make;
    this.#lanesMax = lanesMax;
    this.#waitingMax = waitingMax;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async take(signal: AbortSignal): Promise<Lane> {
    signal.throwIfAborted();
    const free = this.#idle.pop();
    if (free) return free;
    if (this.lanes.length < this.#lanesMax) {
      const lane = this.#make();
      this.lanes.push(lane);
      return lane;
    }
    if (this.#waiting.length >= this.#waitingMax)
      throw new EngineError(
        202,
        `Too many simultaneous queries: ${this.#lanesMax} run and ${this.#waiting.length} wait`,
        'TOO_MANY_SIMULTANEOUS_QUERIES',
      );
    return new Promise<Lane>((resolve, reject) => {
      const turn = (lane: Lane): void => {
        signal.removeEventListener('abort', leave);
        resolve(lane);
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(turn);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  give(lane: Lane): void {
    const next = this.#waiting.shift();
    if (next) next(lane);
    else this.#idle.push(lane);
  }
}

/** All sessions of the engine. */
export class Lanes {
  readonly #pools: Record<QueryClass | 'small', LanePool>;

  constructor(data: WorkerData, counts: LaneCounts, onDeath: (reason: Error) => void) {
    const whole = (): Lane => new WholeLane(data);
    this.#pools = {
      // enough waiting room that a dashboard's burst of panels fits; beyond it clients are told to come again
      user: new LanePool(() => new StreamLane(data, onDeath), counts.user, 256),
      // a thread between this one and the engine's would only pass on what comes in one piece
      small: new LanePool(whole, counts.user, 256),
      service: new LanePool(whole, counts.service, 1024),
      control: new LanePool(whole, 1, 4096),
    };
  }

  /**
   * Run `work` on a session of this class when one is free, the first come first; `small` are the users' statements of that mode. Rejects with the signal's
   * reason when it aborts while waiting.
   */
  async use(queryClass: QueryClass | 'small', signal: AbortSignal, work: (lane: Lane) => Promise<void>): Promise<void> {
    const pool = this.#pools[queryClass];
    const lane = await pool.take(signal);
    try {
      await work(lane);
    } finally {
      pool.give(lane);
    }
  }

  waiting(): Record<QueryClass, number> {
    return {
      user: this.#pools.user.waiting + this.#pools.small.waiting,
      service: this.#pools.service.waiting,
      control: this.#pools.control.waiting,
    };
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#pools).flatMap(pool => pool.lanes.map(lane => lane.close())));
  }
}
