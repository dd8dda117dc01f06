/* A task: legs under a lease that is in the record of the task, asks, updates, polls, a cancel, its lifetime and its attempts. Each Redis
 * script is one atomic step.
 *
 * The handler does once 0, asks 0 and 1 (the leg ends), does once 1, and completes. A once is one write after the effect, which is begun
 * only while the lease holds by the run's own clock. That is never later than the store's.
 * In process, the default: who updates or gets claims and runs. QUEUE: the consumer of a message (task, leg) claims. The message is
 * delivered at least once, and its sender may die before it sends it.
 * Faults, counted: MAXKILL kills, MAXGAP leases that lapse although the instance lives, MAXDUP messages that come twice, MAXCANCEL,
 * MAXTTL.
 *
 * The searches of `npm run model`:
 *   finishes -DMAXKILL=1 -DMAXTTL=1 -DMAXCANCEL=1
 *   finishes -DATTEMPTS=1 -DMAXKILL=1 -DMAXGAP=1
 *   finishes -DQUEUE -DMAXDUP=1
 *   finishes -DNO_LEG -DQUEUE -DMAXDUP=1: owner and lease suffice; the number of the leg saves a needless claim
 *   finishes -DCANCEL_WAITS -DMAXCANCEL=1: a cancel that only sets a flag needs a run that ends the task
 *   fails -DBLIND -DMAXGAP=1: a once without a look at the lease
 *   fails -DGET_BLIND -DMAXKILL=1: polls do not look for leases that have lapsed
 *   fails -DCOMPLETE_BLIND -DMAXCANCEL=1: the end of a task overwrites its cancel
 *   fails -DUPDATE_ANY: one of two answers begins the next leg
 *   fails -DRENEW_BLIND -DMAXGAP=1: a lease is renewed without a look at its owner
 *   fails -DLEGEND_BLIND -DMAXGAP=1: a leg ends without a look at its owner
 *   fails -DCLAIM_NOCAS -DQUEUE -DMAXDUP=1: a claim does not compare
 */
#ifndef MAXKILL
#define MAXKILL 0
#endif
#ifndef MAXGAP
#define MAXGAP 0
#endif
#ifndef MAXDUP
#define MAXDUP 0
#endif
#ifndef MAXCANCEL
#define MAXCANCEL 0
#endif
#ifndef MAXTTL
#define MAXTTL 0
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif
#define R 9
#define FREE 0
#define WORKING 0
#define INPUT 1
#define DONE 2
#define FAILED 3
#define CANCELLED 4
#define EXPIRED 5
/* the record */
byte st, owner, leg = 1, att; bool lease; byte in[2]; bool kept[2]; bool xf; bool queued;
/* world */
bool alive[2]; byte nalive = 2, kills, gaps, dups, terminal; byte rinst[R]; byte nextr = 1; bool lapsed[R];
byte eff[2], hits[2], infn[2], seen[2], stored[2]; bool cack, partial;
chan mq = [4] of { byte };
#define TERM (st >= DONE)
inline END(s) { assert(!TERM || s == EXPIRED); st = s; owner = FREE; lease = false; terminal++ }
#define CLAIMABLE (st == WORKING && (owner == FREE || !lease))
inline CLAIM(tok, i) {                  /* by compare, in one script with the look at the lease */
  if
  :: owner != FREE ->
       if :: !alive[rinst[owner]] || lapsed[owner] ->
            if :: infn[0] && !kept[0] -> hits[0]++ :: else fi; if :: infn[1] && !kept[1] -> hits[1]++ :: else fi
          :: else fi;
       att++
  :: else
  fi;
  if
  :: att > ATTEMPTS -> END(FAILED); tok = 0
  :: else -> assert(nextr < R); tok = nextr; nextr++; rinst[tok] = i; owner = tok; lease = true; queued = false
  fi
}
#define LIVE alive[i]
proctype Run(byte r; byte i; byte l) {
  byte k; bool fn;
  do
  :: !LIVE -> goto out
  :: k < 2 && LIVE ->
     do
     :: !LIVE -> goto out
     :: atomic { LIVE && !fn && kept[k] -> break }
#ifdef BLIND
     :: atomic { LIVE && !fn && !kept[k] -> infn[k] = 1; eff[k]++; fn = true }
#else
     :: atomic { LIVE && !fn && !kept[k] && owner == r && lease -> infn[k] = 1; eff[k]++; fn = true }
     :: atomic { LIVE && !fn && !kept[k] && !(owner == r && lease) ->           /* RENEW before an effect */
#ifdef RENEW_BLIND
          if :: !TERM && st == WORKING -> owner = r; lease = true :: else -> goto out fi }
#else
          if :: owner == r -> lease = true :: else -> goto out fi }
#endif
#endif
     :: atomic { fn && LIVE && owner == r -> kept[k] = true; infn[k] = 0; fn = false }
     :: atomic { fn && LIVE && owner != r -> goto out }
     od;
     fn = false;
     k++;
     if
     :: k == 1 ->                        /* LEGEND: asks what has no answer */
        if
        :: !LIVE -> goto out
#ifdef LEGEND_BLIND
        :: atomic { LIVE && !TERM && in[0] != 2 -> in[0] = 1; in[1] = 1; st = INPUT; owner = FREE; lease = false; goto out }
        :: atomic { LIVE && TERM -> goto out }
#else
        :: atomic { LIVE && owner != r -> goto out }
        :: atomic { LIVE && owner == r && in[0] == 0 -> in[0] = 1; in[1] = 1; st = INPUT; owner = FREE; lease = false; leg++; att = 0; goto out }
#endif
        :: atomic { LIVE && owner == r && in[0] == 2 && in[1] != 2 -> st = INPUT; owner = FREE; lease = false; goto out }
        :: atomic { LIVE && owner == r && in[0] == 1 && in[1] == 2 -> st = INPUT; owner = FREE; lease = false; goto out }
        :: atomic { LIVE && owner == r && in[0] == 2 && in[1] == 2 -> seen[0] = 2; seen[1] = 2 }
        fi
     :: else
     fi
  :: k == 2 ->
     if
     :: !LIVE
#ifdef COMPLETE_BLIND
     :: atomic { LIVE && st != EXPIRED -> st = DONE; owner = FREE; terminal++ }
#else
     :: atomic { LIVE && owner == r -> if :: xf -> END(CANCELLED) :: else -> END(DONE) fi }
     :: atomic { LIVE && owner != r }
#endif
     fi; goto out
  od;
out: atomic { k = 0; fn = false }
}
inline PICK() { if :: alive[0] -> i = 0 :: alive[1] -> i = 1 fi }
inline START() {
  if :: tok != 0 && alive[i] -> run Run(tok, i, leg) :: else fi; tok = 0
}
proctype Update(byte k) {               /* tasks/update with one key */
  byte i, tok; bool go;
  if :: atomic { in[k] == 1 && st == INPUT } :: TERM -> goto out fi;
  atomic { PICK();                      /* UPDATE */
    if
    :: st == INPUT && in[k] == 1 -> in[k] = 2; stored[k] = 1;
         if
#ifdef UPDATE_ANY
         :: true ->
#else
         :: in[0] == 2 && in[1] == 2 ->
#endif
              if :: in[0] != 2 || in[1] != 2 -> partial = true :: else fi;
              st = WORKING; go = true;
#ifndef QUEUE
              CLAIM(tok, i)
#else
              queued = true
#endif
         :: else
         fi
    :: else
    fi };
  if
  :: !alive[i]
#ifdef QUEUE
  :: atomic { alive[i] -> if :: go && nfull(mq) -> mq!leg :: else fi }
#else
  :: atomic { alive[i] -> START() }
#endif
  fi;
out: atomic { i = 0; tok = 0; go = 0 }
}
proctype Get() {                        /* tasks/get until terminal */
  byte i, tok;
  do
  :: TERM -> break
#ifndef GET_BLIND
#ifdef QUEUE
  :: atomic { CLAIMABLE && empty(mq) && !queued -> mq!leg }              /* lapsed, or its message was lost: sent again */
#else
  :: atomic { CLAIMABLE -> PICK(); CLAIM(tok, i); }
     if :: !alive[i] :: atomic { alive[i] -> START() } fi
#endif
#endif
  od
}
#ifdef QUEUE
proctype Consumer() {
  byte i, tok, l;
end: do
  :: atomic { nempty(mq) -> mq?l; if :: dups < MAXDUP && nfull(mq) -> dups++; mq!l :: true fi; PICK();
#ifdef CLAIM_NOCAS
       if :: st == WORKING ->
#else
#ifdef NO_LEG
       if :: CLAIMABLE ->
#else
       if :: CLAIMABLE && l == leg ->
#endif
#endif
         CLAIM(tok, i) :: else fi }
     if :: !alive[i] :: atomic { alive[i] -> START() } fi
  od
}
#endif
proctype Cancel() {
  if :: true :: atomic { !TERM ->
#ifdef CANCEL_WAITS
    xf = true
#else
    END(CANCELLED)
#endif
    ; cack = true } fi
}
proctype World() {
end: do
  :: atomic { !TERM && kills < MAXKILL && alive[0] && nalive > 1 -> kills++; nalive--; alive[0] = false }
  :: atomic { !TERM && kills < MAXKILL && alive[1] && nalive > 1 -> kills++; nalive--; alive[1] = false }
  :: atomic { !TERM && owner != FREE && lease && !alive[rinst[owner]] -> lease = false }
  :: atomic { !TERM && owner != FREE && lease && gaps < MAXGAP && alive[rinst[owner]] -> gaps++; lease = false; lapsed[owner] = true }
  :: atomic { !TERM && queued && empty(mq) -> queued = false }           /* the time for the message to come is over */
#if MAXTTL > 0
  :: atomic { st != EXPIRED && terminal < 2 -> st = EXPIRED; owner = FREE; lease = false }
#endif
  od
}
init {
  atomic { alive[0] = true; alive[1] = true;
    run World();
#ifdef QUEUE
    run Consumer(); queued = true;       /* created; the creator sends the message, or dies before */
    if :: mq!leg :: skip fi;
#else
    rinst[1] = 0; nextr = 2; owner = 1; lease = true; run Run(1, 0, 1);
#endif
    run Update(0); run Update(1); run Get();
#if MAXCANCEL > 0
    run Cancel();
#endif
  };
#ifdef QUEUE
  (_nr_pr == 3 && TERM);
#else
  (_nr_pr == 2 && TERM);
#endif
  assert(terminal <= 1 || st == EXPIRED);
  assert(!cack || st == CANCELLED || st == EXPIRED);
  assert(!(st == DONE) || (seen[0] == 2 && seen[1] == 2 && eff[0] >= 1 && eff[1] >= 1));
  assert(eff[0] <= 1 + hits[0] && eff[1] <= 1 + hits[1]);
  assert(!partial);
  assert(st != FAILED || kills + gaps > ATTEMPTS)
}
