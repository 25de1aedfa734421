/** Runs of each remedy, where nothing else is said. */
export const ADVISE_RUNS = 20;
