/** Folder of the package. */
export declare const root: string;
export declare const serverFlags: string[];
export declare function findNode(): string | undefined;
export declare function launch(script: string, args: string[], flags?: string[]): Promise<void>;
