import { openStore } from '../src/store/open.ts';
import { describeAnswers, describeReports, type ReportingEngine } from './reports-contract.ts';

const engine: ReportingEngine = {
  name: 'SQLite',
  open: (dataDir) =>
    openStore({
      dataDir,
      onBroken: (error) => {
        throw error;
      },
    }),
  // Two days around each of Europe's clock changes.
  worlds: [
    { seed: 1, fromMs: Date.UTC(2026, 2, 28), days: 3, perDay: 700, visitors: 25, clockSteps: 0 },
    { seed: 2, fromMs: Date.UTC(2026, 9, 24), days: 3, perDay: 300, visitors: 60, clockSteps: 0.1, third: 0 },
    {
      seed: 3,
      fromMs: Date.UTC(2026, 11, 31),
      days: 2,
      perDay: 120,
      visitors: 9,
      clockSteps: 0.02,
      third: 1,
    },
  ],
  archivedWorlds: [
    {
      seed: 4,
      fromMs: Date.UTC(2026, 2, 28),
      days: 3,
      perDay: 120,
      visitors: 12,
      clockSteps: 0.05,
      third: 2,
    },
  ],
  spans: 12,
  byReceipt: false,
  outlivesRetention: true,
};

describeReports(engine);
describeAnswers(engine);
