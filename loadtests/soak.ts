/** Hours of a steady load: what leaks shows. `HOLDFAST_SOAK=8h`. */
import type { Options } from 'k6/options';
import { mix, THRESHOLDS } from './mix.ts';

export const options: Options = {
  vus: 32,
  duration: __ENV.HOLDFAST_SOAK ?? '1h',
  thresholds: THRESHOLDS,
};
export default mix;
