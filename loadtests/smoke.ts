/** Does it work at all: one caller, ten seconds, no failure. */
import type { Options } from 'k6/options';
import { mix, THRESHOLDS } from './mix.ts';

export const options: Options = {
  vus: 1,
  duration: '10s',
  thresholds: { ...THRESHOLDS, checks: ['rate==1'] },
};
export default mix;
