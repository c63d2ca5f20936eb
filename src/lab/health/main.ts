import { printTuning } from './tune.ts';

printTuning();
