import { openStore } from '../src/store/open.ts';
import { describeRollUps } from './roll-up-contract.ts';

describeRollUps({
  name: 'SQLite',
  open: (dataDir) =>
    openStore({
      dataDir,
      onBroken: (error) => {
        throw error;
      },
    }),
});
