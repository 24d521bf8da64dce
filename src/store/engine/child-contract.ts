/** Sessions per class. Users and service have their own, so neither can starve the other. */
export type LaneCounts = { user: number; service: number };

/** What supervisor and engine child say to each other over argv and the IPC channel. */
export type ChildOptions = {
  /** Data directory of the engine. */
  data: string;
  configFile: string;
  /** Private directory (mode 700) for the socket and pipes; the child removes it when the parent dies. */
  runDirectory: string;
  lanes: LaneCounts;
};

export type ChildMessage =
  /** The socket answers. */
  | { is: 'ready' }
  /** The data directory belongs to another live process. */
  | { is: 'locked'; holder: number }
  | { is: 'failed'; message: string };

export type ParentMessage = { do: 'stop' };
