import { readExposition, shownAs } from '../../support/exposition.ts';
import { freePort } from '../../support/free-port.ts';
import { ask } from '../../support/http.ts';
import { until } from '../../support/poll.ts';
import { type Program, type Running, type Settings, startProgram } from '../../support/program.ts';

/** A server whose metrics are read on a port of their own. */
export interface MeasuredProgram {
  program: Program;
  /** Returns a number of the metrics by its name. */
  metric(name: string): Promise<number>;
  /** Waits for the jobs that run at the start. They open files, and a thread that opens a database may change what is beside it. */
  jobsEnded(): Promise<unknown>;
}

export async function startMeasured(
  dataDir: string,
  settings: Settings = {},
  running: Running = {},
): Promise<MeasuredProgram> {
  const port = await freePort();
  const program = startProgram(dataDir, { METRICS_PORT: String(port), ...settings }, running);
  const metric = async (name: string) => {
    const { text } = await ask(`http://127.0.0.1:${port}`, { path: '/metrics' });
    return shownAs(readExposition(text), name);
  };
  const jobsEnded = () =>
    until(
      () => metric('attractos_chores_ended_timestamp_seconds'),
      (endedAt) => endedAt > 0,
    );
  return { program, metric, jobsEnded };
}
