// The startup probe: exit 0 once this member is primary or secondary. Member 0 initiates the replica set if it is in
// none; MongoDB rejects that until all members are reachable, and if one of them belongs to a set already.
const [, set, ordinal] = process.env.HOSTNAME.match(/^(.+)-(\d+)$/);
// The name that Kubernetes writes into a pod's own /etc/hosts. A member that cannot resolve itself in the set's
// configuration stays in state REMOVED; its DNS name does not exist yet at start, or still points to the previous pod.
const domain = `${set}.${process.env.NAMESPACE}.svc.cluster.local`;

function initiate() {
  const numbers = [...Array(Number(process.env.MEMBERS)).keys()];
  rs.initiate({
    _id: "rs0",
    members: numbers.map((n) => ({ _id: n, host: `${set}-${n}.${domain}:27017` })),
    settings: { electionTimeoutMillis: 4000 }, // 10 s by default, but functions give up after 8
  });
}

// Where clients have to authenticate, MongoDB lets one on the member's own host create the first user, and rejects it as
// unauthorized once there is one. That user creates the others: functions/shared/storage/users.py.
function createAdministrator(password) {
  try {
    db.getSiblingDB("admin").createUser({ user: "admin", pwd: password, roles: ["root"] });
  } catch (error) {
    if (error.codeName !== "Unauthorized") throw error;
  }
}

const state = db.hello();
if (ordinal === "0" && !state.setName) initiate();
if (state.isWritablePrimary && process.env.ADMIN_PASSWORD) {
  createAdministrator(process.env.ADMIN_PASSWORD.split("\n")[0].trim());
}
quit(state.isWritablePrimary || state.secondary ? 0 : 1);
