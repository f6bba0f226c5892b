import type { CapCount } from '../ladder.js';

/** The query made with a round's model. */
export interface QueryRecord {
  /** The rows picked (of the simulation's pool), best first: labelled from the next round on. */
  picks: number[];
  /** Of the picks, how many were drawn at random because the strategy ran out of rows of its own. */
  filled: number;
  /** Rows the strategy chose among; null where it has no such notion. */
  candidates: number | null;
  /** The alpha cap in use; null where the strategy has none. */
  capUsed: number | null;
  /** Candidates at each cap of the ladder. */
  candidatesPerCap: CapCount[];
  /** Share of the picks that the model got wrong, 0–1. */
  misclassified: number;
  /** Mean pairwise distance of the picks' embeddings, scaled to unit length: 0 (all alike) to 2; null for one pick. */
  diversity: number | null;
}

/**
 * One line of a run: the model trained after `round` queries, and the query it then made. `seconds` and `stages` are
 * wall time and differ from run to run; all else depends on the settings alone.
 */
export interface RoundLine {
  /** The strategy with its options, `alfa-mix:alpha=random`. */
  strategy: string;
  seed: number;
  /** 0: trained on the initial labels. */
  round: number;
  /** On the test rows, 0–1. */
  accuracy: number;
  /** Rows the model was trained on. */
  labelled: number;
  /** All of the round: training, embedding, evaluation, query. */
  seconds: number;
  /** Seconds by stage: train, embed, evaluate; select (the whole query), of which score, gather, cluster … */
  stages: Record<string, number>;
  /** Epochs trained; null for a model that is solved for. */
  epochs: number | null;
  /** Null after the last round. */
  query: QueryRecord | null;
}
