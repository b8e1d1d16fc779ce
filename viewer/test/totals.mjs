// Ends a test run with one line of totals; fails where a test failed, or where none ran.
import { existsSync, readFileSync } from 'node:fs';

if (!existsSync(process.argv[2])) {
  console.log('0 passed, 1 failed'); // it ended before the first test
  process.exit(1);
}

const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(
  readFileSync(process.argv[2], 'utf8'),
);
const failed = Math.max(
  numFailedTests,
  numFailedTestSuites > 0 && numFailedTests === 0 ? numFailedTestSuites : 0,
);
console.log(`${numPassedTests} passed, ${failed} failed`);
process.exit(failed > 0 || numPassedTests === 0 ? 1 : 0);
