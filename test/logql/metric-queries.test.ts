import { isMetricScript, testScripts } from './run-scripts.ts';

testScripts(isMetricScript);
