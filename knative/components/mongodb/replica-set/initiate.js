// Runs in every member whenever it starts. The first one makes the replica set, unless there is one already; MongoDB
// itself refuses to make one of members that have another.
const [, set, ordinal] = process.env.HOSTNAME.match(/^(.+)-(\d+)$/);

function isInitiated() {
  try {
    return rs.status().ok === 1;
  } catch (error) {
    if (error.codeName === "NotYetInitialized") return false;
    throw error;
  }
}

if (ordinal === "0" && !isInitiated()) {
  const numbers = [...Array(Number(process.env.MEMBERS)).keys()];
  rs.initiate({
    _id: "rs0",
    members: numbers.map((n) => ({ _id: n, host: `${set}-${n}.${set}:27017` })),
    settings: { electionTimeoutMillis: 4000 }, // 10 s by default, but functions give up after 8
  });
}
