export declare const SPLIT_SEED: number;
export declare function makeSplit(digits: string, seed?: number): string;
