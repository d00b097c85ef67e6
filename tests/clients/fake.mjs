// A fake of ours as other people's clients meet it: its program and its control API.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Starts the program and reads its address from its first line. */
export async function startFake(program, args = []) {
  const server = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const root = await new Promise((resolve, reject) => {
    createInterface(server.stdout).once("line", resolve);
    server.once("exit", (code) => reject(new Error(`the fake ended with ${code}`)));
  });

  async function control(path, body = {}) {
    const answer = await fetch(`${root}/control/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const json = await answer.json();
    if (!answer.ok) throw new Error(json.error);
    return json;
  }

  return {
    root,
    control,
    /** The bot's messages at a place, `{ chat: 5 }`, once there are so many. */
    async messages(place, count) {
      const { satisfied, messages } = await control("wait", { ...place, count, timeout_ms: 10000 });
      assert.ok(satisfied, `${messages.length} of ${count} messages: ${messages.map((m) => m.text)}`);
      return messages;
    },
    stop: () => server.kill("SIGTERM"),
  };
}
