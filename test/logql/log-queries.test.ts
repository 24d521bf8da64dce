import { isMetricScript, testScripts } from './run-scripts.ts';

testScripts(file => !isMetricScript(file));
