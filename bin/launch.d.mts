/** Folder of the package. */
export declare const root: string;
export declare const serverFlags: string[];
export declare const serverEnv: { NODE_COMPILE_CACHE: string };
export declare function findNode(): string | undefined;
export declare function launch(
  script: string,
  args: string[],
  flags?: string[],
  env?: Record<string, string>,
): Promise<void>;
