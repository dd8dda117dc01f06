/* A durable call that asks, is suspended, woken, taken over and cancelled. Each Redis script is one atomic step.
 *
 * The handler says 0, does once 0, asks 0 and 1 together and waits for both, says 1, does once 1, and ends. With SEQ it asks 1 only
 * after once 1, so that it is suspended twice. One client answers each ask once (with NOANS perhaps not), polls, and may cancel.
 * Faults, counted: MAXKILL kills, MAXGAP signs of life that lapse although the instance lives (its run is a zombie), MAXDRAIN, MAXLOST
 * lost replies of ANSWER, MAXFAIL exceptions between a claim and its run, MAXCANCEL, MAXDEL. With NODUE no deadline ever passes.
 * A lost wake-up is an invalid end state: a poll is enabled only by something in the store.
 * A once is a begin and an end, both behind the fence. ONE_RT: an end only, with the lease of the instance. SINGLE: begun by another run
 * is an error. Z: work of a suspended run that nobody awaits goes on.
 *
 * The searches of `npm run model`:
 *   finishes -DNODUE -DMAXKILL=1 -DMAXCANCEL=1
 *   finishes -DMAXCANCEL=1 -DMAXLOST=1 -DNODUE
 *   finishes -DMAXGAP=1 -DMAXCANCEL=1 -DNODUE
 *   finishes -DMAXDEL=1 -DMAXKILL=1 -DNODUE
 *   finishes -DSINGLE -DMAXGAP=1 -DNODUE
 *   finishes -DONE_RT -DMAXGAP=1 -DNODUE
 *   finishes -DPOLLERS=2 -DMAXKILL=1 -DNODUE
 *   fails -DSUSPEND_BLIND -DPOLL_BLIND: a suspension does not look for answers, and polls look for deadlines only
 *   fails -DTWO_STEP -DPOLL_BLIND -DMAXKILL=1 -DNODUE: the answer is stored in one step and the call claimed in another
 *   fails -DANSWER_REPEAT -DMAXLOST=1 -DNODUE: a repeated answer does not recognise its own claim
 *   fails -DNO_RELEASE -DMAXFAIL=1 -DNODUE: a claim that fails before its run is not given back
 *   fails -DCANCEL_FLAG -DMAXCANCEL=1 -DNOANS -DNODUE: the cancel of a suspended call only sets the flag
 *   fails -DCLAIM_NOCAS: a claim does not compare
 *   fails -DDUE_ALL -DNODUE: any answered ask of the call makes it due, not those that it waits for
 *   fails -DTIMEOUT_FORGOTTEN: a deadline is reported to the run and not kept
 *   fails -DNO_SKIP -DNODUE: a replay says again what the log has
 *   fails -DASK_AGAIN -DNODUE: a replay opens its asks anew
 *   fails -DNO_FENCE_ONCE -DMAXGAP=1 -DNODUE: a once without the fence
 *   fails -DNO_FENCE_SAY -DMAXGAP=1 -DNODUE: a message without the fence
 *   fails -DNO_FENCE_FINAL -DMAXGAP=1 -DNODUE: a final message without the fence
 *   fails -DVERIFY_SAME -DONE_RT -DMAXGAP=1 -DNODUE: a run whose sign of life had lapsed asks the store, and keeps its token
 *   fails -DBLIND -DONE_RT -DMAXGAP=1 -DNODUE: a once without begin and without the lease
 *   fails -DSUSPEND_IN_ONCE -DNODUE: a run is suspended while a once is under way
 *   fails -DZOMBIE_OPEN -DONE_RT -DZ -DNODUE: work that nobody awaits may begin a once after the suspension
 *   finishes -DSEQ -DNODUE: a second suspension, without faults
 *   finishes -DNO_FENCE_SUSPEND -DMAXGAP=1 -DNODUE: the look for news covers the fence of a suspension, which costs nothing and stays
 */
#ifndef MAXKILL
#define MAXKILL 0
#endif
#ifndef MAXGAP
#define MAXGAP 0
#endif
#ifndef MAXDRAIN
#define MAXDRAIN 0
#endif
#ifndef MAXLOST
#define MAXLOST 0
#endif
#ifndef MAXFAIL
#define MAXFAIL 0
#endif
#ifndef MAXCANCEL
#define MAXCANCEL 0
#endif
#ifndef MAXDEL
#define MAXDEL 0
#endif
#ifndef POLLERS
#define POLLERS 1
#endif
#define R 9            /* runs 1..R-1; each is a successful claim */
#define FREE 0
#define GONE 255
#define PENDING 1
#define ANSWERED 2
#define TIMEOUT 3
/* ---- Redis, one slot ---- */
byte owner = 1;        /* o:<stream>   FREE = '' */
bool z;                /* z:<stream>   suspended */
bool x;                /* x:<stream>   cancelled, its run is to end it */
bool over;             /* end marker or final in the log; live forgot the call */
byte ask[2];           /* a:/v: */
bool w[2];             /* the asks that the suspended call waits for */
bool due[2];           /* the store's clock is past the deadline */
byte q;                /* how many of the handler's messages the log has */
byte begun[2]; bool done[2];     /* the journal */
byte ep;               /* part of o:<stream>: a run whose sign of life had lapsed takes its call under a new token */
/* ---- other slot ---- */
bool up[2];
/* ---- world and accounts ---- */
bool alive[2], draining[2], gap[R], lapsed[R];
byte rinst[R]; byte nextr = 2; bool stopped[R];
byte kills, gaps, drains, losts, fails, cancels, dels;
byte msgs[2], asked[2], eff[2], hits[2], seen[2], finals; bool unknown;
bool cdone, deleted, stored[2];

#define WDUE(k) (w[k] && (ask[k] >= ANSWERED || due[k]))
#ifdef DUE_ALL
#define DUE ((ask[0] >= ANSWERED || (ask[0]==PENDING && due[0])) || (ask[1] >= ANSWERED || (ask[1]==PENDING && due[1])))
#else
#ifdef POLL_BLIND
#define DUE ((w[0] && due[0]) || (w[1] && due[1]))
#else
#define DUE (WDUE(0) || WDUE(1))
#endif
#endif
#ifdef CANCEL_FLAG
#define XDUE false
#else
#define XDUE x
#endif

inline CLOSE(k) { if :: ask[k] == PENDING && due[k] -> ask[k] = TIMEOUT :: else fi }
/* the part that every successful claim shares: owner, timeouts that are now facts, end of the suspension */
inline TAKE(tok, i) {
  assert(nextr < R); tok = nextr; nextr++; rinst[tok] = i; up[i] = true;
  if :: owner != FREE && (!alive[rinst[owner]] || lapsed[owner]) ->       /* taken from a run that was under way: an effect may have been hit */
       if :: begun[0] != 0 && !done[0] -> hits[0]++ :: else fi;
       if :: begun[1] != 0 && !done[1] -> hits[1]++ :: else fi
     :: else fi;
  owner = tok; z = false; w[0] = false; w[1] = false;
#ifndef TIMEOUT_FORGOTTEN
  CLOSE(0); CLOSE(1)
#endif
}
inline RELEASE(r) { if :: owner == r -> owner = FREE; z = false :: else fi }

#define ME (alive[i] && !stopped[r])
#define STOP stopped[r] = true; goto out

/* the handler says its message m */
#ifdef NO_FENCE_SAY
#define MAYSAY true
#else
#define MAYSAY (owner == r)
#endif
#ifdef NO_SKIP
#define SKIP(m) false
#else
#define SKIP(m) ((m) < q0)
#endif
inline SAY(m) {
  if
  :: !alive[i] -> STOP
  :: atomic { ME && SKIP(m) }
  :: atomic { ME && !SKIP(m) && !MAYSAY -> STOP }
  :: atomic { ME && !SKIP(m) && MAYSAY && x -> ENDC() }
  :: atomic { ME && !SKIP(m) && MAYSAY && !x -> msgs[m]++; assert(msgs[m] <= 1); q = m+1 }
  fi
}
inline ENDC() { if :: owner == r -> over = true; owner = GONE :: else fi; STOP }

#ifdef NO_FENCE_ONCE
#define MAYDO true
#else
#define MAYDO (owner == r)
#endif
inline ONCE(k) {
  if
  :: !alive[i] -> STOP
  :: atomic { ME && !MAYDO -> STOP }
  :: atomic { ME && MAYDO && x -> ENDC() }
  :: atomic { ME && MAYDO && !x && done[k] -> skip }
#ifdef SINGLE
  :: atomic { ME && MAYDO && !x && !done[k] && begun[k] != 0 && begun[k] != r -> unknown = true; goto final }
  :: atomic { ME && MAYDO && !x && !done[k] && (begun[k] == 0 || begun[k] == r) -> begun[k] = r; fn = true }
#else
  :: atomic { ME && MAYDO && !x && !done[k] -> begun[k] = r; fn = true }
#endif
  fi;
  if :: atomic { fn && alive[i] -> eff[k]++ } :: !alive[i] -> STOP :: !fn fi;
  if
  :: !fn
  :: fn && !alive[i] -> STOP
  :: atomic { fn && alive[i] && owner != r -> STOP }
  :: atomic { fn && alive[i] && owner == r -> done[k] = true; fn = false }
  fi
}

/* ONE_RT needs a loop, so it is written out */
inline ONCE1(k) {
  do
  :: !alive[i] -> STOP
  :: atomic { ME && jd[k] -> break }
#ifndef BLIND
  :: atomic { ME && !jd[k] && (gap[r] || !up[i]) -> up[i] = true;      /* the sign of life had lapsed: ask the store first */
       if :: owner == r -> gap[r] = false;
#ifndef VERIFY_SAME
            ep++
#endif
          :: else -> STOP fi }
  :: atomic { ME && !jd[k] && !gap[r] && up[i] -> begun[k] = r; eff[k]++; fn = true }
#else
  :: atomic { ME && !jd[k] -> begun[k] = r; eff[k]++; fn = true }
#endif
     if
     :: fn && !alive[i] -> STOP
     :: atomic { fn && alive[i] && owner != r -> STOP }
     :: atomic { fn && alive[i] && owner == r -> done[k] = true; jd[k] = true; fn = false }
     :: !fn
     fi
  od
}
#ifdef ONE_RT
#define DO(k) ONCE1(k)
#else
#define DO(k) ONCE(k)
#endif

inline SEE(k) {
  g[k] = true;
  if :: seen[k] == 0 -> seen[k] = ask[k] :: else -> assert(seen[k] == ask[k]) fi     /* every run sees the same */
}
inline DELIVER(k) { if :: n[k] && !g[k] && ask[k] >= ANSWERED -> SEE(k) :: else fi }
inline OPEN(k) {
#ifdef ASK_AGAIN
  if :: n[k] && ask[k] < ANSWERED -> ask[k] = PENDING; asked[k]++; assert(asked[k] <= 1) :: else fi
#else
  if :: n[k] && ask[k] == 0 -> ask[k] = PENDING; asked[k]++; assert(asked[k] <= 1) :: else fi
#endif
}
#define WAITS(k) (n[k] && !g[k])
#define NEWS(k) (WAITS(k) && (ask[k] >= ANSWERED || due[k]))
#ifdef SUSPEND_BLIND
#define NOTHING true
#else
#define NOTHING (!NEWS(0) && !NEWS(1))
#endif
#ifdef NO_FENCE_SUSPEND
#define MAYSUSPEND !over
#else
#define MAYSUSPEND (owner == r)
#endif
/* asks those in n, waits for all of them */
inline ASKWAIT() {
  if
  :: !alive[i] -> STOP
  :: atomic { ME && owner != r -> STOP }
  :: atomic { ME && owner == r && x -> ENDC() }
  :: atomic { ME && owner == r && !x -> OPEN(0); OPEN(1) }
  fi;
  do
  :: !alive[i] -> STOP
  :: atomic { ME && !WAITS(0) && !WAITS(1) -> break }
  :: atomic { ME && ((WAITS(0) && ask[0] >= ANSWERED) || (WAITS(1) && ask[1] >= ANSWERED)) -> DELIVER(0); DELIVER(1) }
  :: atomic { ME && owner != r -> STOP }
  :: atomic { ME && owner == r && x -> ENDC() }
#ifdef TIMEOUT_FORGOTTEN
  :: atomic { ME && WAITS(0) && ask[0] == PENDING && due[0] -> g[0] = true; if :: seen[0] == 0 -> seen[0] = TIMEOUT :: else -> assert(seen[0] == TIMEOUT) fi }
  :: atomic { ME && WAITS(1) && ask[1] == PENDING && due[1] -> g[1] = true; if :: seen[1] == 0 -> seen[1] = TIMEOUT :: else -> assert(seen[1] == TIMEOUT) fi }
#else
  :: atomic { ME && WAITS(0) && ask[0] == PENDING && due[0] -> CLOSE(0) }      /* closeAsk: by the store's clock; no fence needed */
  :: atomic { ME && WAITS(1) && ask[1] == PENDING && due[1] -> CLOSE(1) }
#endif
  :: atomic { ME && draining[i] -> RELEASE(r); STOP }
  :: atomic { ME && !draining[i] && (WAITS(0) || WAITS(1)) ->                   /* SUSPEND */
       if
       :: !(MAYSUSPEND) -> STOP
       :: MAYSUSPEND && x -> ENDC()
       :: MAYSUSPEND && !x && NOTHING ->
            owner = FREE; z = true; w[0] = WAITS(0); w[1] = WAITS(1);
#ifndef ZOMBIE_OPEN
            stopped[r] = true;
#endif
#ifdef Z
            run Zombie(r, i);
#endif
            goto out
       :: MAYSUSPEND && !x && !(NOTHING) -> skip
       fi }
  od
}

proctype Run(byte r; byte i; byte q0; bool j0; bool j1) {
  bool g[2], n[2], fn, jd[2];
  jd[0] = j0; jd[1] = j1;
  SAY(0);
#ifdef SUSPEND_IN_ONCE
  if :: atomic { ME && owner == r && !x && !done[0] -> begun[0] = r; run Beside(r, i) } :: done[0] :: !alive[i] -> STOP :: owner != r -> STOP :: x fi;
#else
  DO(0);
#endif
  atomic { n[0] = true;
#ifndef SEQ
    n[1] = true
#endif
  };
  ASKWAIT();
  SAY(1);
  DO(1);
#ifdef SEQ
  n[1] = true;
  ASKWAIT();
#endif
final:
  if
  :: !alive[i]
#ifdef NO_FENCE_FINAL
  :: atomic { ME && !over -> over = true; owner = GONE; finals++ }
#else
  :: atomic { ME && owner == r && !x -> over = true; owner = GONE; finals++ }
  :: atomic { ME && owner == r && x -> ENDC() }
  :: atomic { ME && owner != r }
#endif
  fi;
out: atomic { stopped[r] = true; g[0] = 0; g[1] = 0; n[0] = 0; n[1] = 0; fn = 0; jd[0] = 0; jd[1] = 0; q0 = 0 }
}

#ifdef SUSPEND_IN_ONCE
proctype Beside(byte r; byte i) {
  if :: atomic { alive[i] -> eff[0]++ } :: !alive[i] -> goto out fi;
  if :: atomic { alive[i] && owner == r -> done[0] = true } :: owner != r :: !alive[i] fi;
out: skip
}
#endif

/* what goes on in a process after its run was suspended and that nobody awaits: it says message 1 and begins once 1 */
proctype Zombie(byte r; byte i) {
  bool fn;
#ifndef SEQ
  if :: !alive[i] :: true
#ifdef NO_FENCE_SAY
     :: atomic { alive[i] -> msgs[1]++; assert(msgs[1] <= 1); q = 2 }
#else
     :: atomic { alive[i] && owner == r -> assert(false) }
#endif
  fi;
  if :: true
#ifdef ONE_RT
#ifdef ZOMBIE_OPEN
     :: atomic { alive[i] && up[i] && !gap[r] -> begun[1] = r; eff[1]++ }
#endif
#else
#ifdef NO_FENCE_ONCE
     :: atomic { alive[i] && !done[1] -> begun[1] = r; eff[1]++ }
#endif
#endif
  fi
#endif
}

inline PICK() { if :: alive[0] && !draining[0] -> i = 0 :: alive[1] && !draining[1] -> i = 1 fi }
inline PICKANY() { if :: alive[0] -> i = 0 :: alive[1] -> i = 1 fi }
inline START(tok) { run Run(tok, i, q, done[0], done[1]) }

proctype Answer(byte k) {
  byte i, tok; bool claimed, rep;
  if
  :: atomic { ask[k] != 0 && !over }
  :: over -> goto out
#ifdef NOANS
  :: true -> goto out
#endif
  fi;
again:
  tok = 0;
resend:
  if
  :: rep && !alive[i] -> rep = false; goto again                      /* no 202: the client sends it again */
  :: over -> goto out
  :: atomic { !over && (!rep || alive[i]) ->                   /* ANSWER, sent again by the library where the reply is lost */
       if :: !rep -> PICKANY() :: else fi;
       if :: ask[k] == PENDING -> ask[k] = ANSWERED; stored[k] = true :: else fi;
#ifndef TWO_STEP
       if
       :: tok != 0 && owner == tok ->
#ifndef ANSWER_REPEAT
            claimed = true
#else
            claimed = false
#endif
       :: !(tok != 0 && owner == tok) && z && w[k] && ask[k] >= ANSWERED && !draining[i] -> TAKE(tok, i); claimed = true
       :: else -> claimed = false
       fi;
#endif
       if :: losts < MAXLOST -> losts++; rep = true; goto resend :: rep = false fi }
  fi;
#ifdef TWO_STEP
  if
  :: atomic { alive[i] && !over && z && owner == FREE && w[k] && ask[k] >= ANSWERED && !draining[i] -> TAKE(tok, i); claimed = true }
  :: atomic { alive[i] && !(z && owner == FREE && w[k] && ask[k] >= ANSWERED) }
  :: over
  :: !alive[i]
  :: draining[i]
  fi;
#endif
  /* 202 has left */
  if
  :: !claimed
  :: claimed && !alive[i]
  :: atomic { claimed && alive[i] -> START(tok) }
  :: atomic { claimed && alive[i] && fails < MAXFAIL -> fails++;
#ifndef NO_RELEASE
       RELEASE(tok)
#endif
     }
  fi;
out: atomic { i = 0; tok = 0; claimed = false; rep = false }
}

proctype Poll() {                      /* the client comes back until the call is over */
  byte i, obs, tok, e;
  do
  :: over -> break
  :: atomic { !over && owner == FREE && (!z || DUE || XDUE) -> obs = FREE; PICK() ; goto cl }
  :: atomic { !over && owner != FREE && !up[rinst[owner]] -> obs = owner; e = ep; PICK(); goto cl }
  :: false ->
cl:  if
     :: !alive[i]
     :: atomic { alive[i] && !over ->                          /* CLAIM(expected) */
#ifdef CLAIM_NOCAS
          if :: true ->
#else
          if :: owner == obs && (obs == FREE || e == ep) && (obs != FREE || !z || DUE || XDUE) ->
#endif
               TAKE(tok, i);
               if :: START(tok) :: fails < MAXFAIL -> fails++;
#ifndef NO_RELEASE
                 RELEASE(tok)
#endif
               fi
#ifndef CLAIM_NOCAS
             :: else
#endif
          fi }
     :: over
     fi; atomic { obs = 0; tok = 0; i = 0; e = 0 }
  od
}

proctype Cancel() {
  if
  :: cancels >= MAXCANCEL
  :: true
  :: atomic { cancels < MAXCANCEL -> cancels++;                /* CANCEL */
       if
       :: over
#ifdef CANCEL_FLAG
       :: !over -> x = true; cdone = true
#else
       :: !over && owner == FREE -> over = true; owner = GONE; z = false; cdone = true
       :: !over && owner != FREE -> x = true; cdone = true
#endif
       fi }
  fi
}
proctype Delete() {
  if :: dels >= MAXDEL :: true :: atomic { dels < MAXDEL -> dels++; if :: over :: !over -> deleted = true; over = true; owner = GONE; z = false fi } fi
}

#define AVAIL ((alive[0] && !draining[0] -> 1 : 0) + (alive[1] && !draining[1] -> 1 : 0))
proctype World() {
  byte i;
end:
  do
  :: atomic { !over && kills < MAXKILL && alive[0] && (AVAIL > 1 || draining[0]) -> kills++; alive[0] = false }
  :: atomic { !over && kills < MAXKILL && alive[1] && (AVAIL > 1 || draining[1]) -> kills++; alive[1] = false }
  :: atomic { !alive[0] && up[0] -> up[0] = false }
  :: atomic { !alive[1] && up[1] -> up[1] = false }
  :: atomic { !over && gaps < MAXGAP && owner != FREE && owner != GONE && up[rinst[owner]] && alive[rinst[owner]] ->
       gaps++; up[rinst[owner]] = false; gap[owner] = true; lapsed[owner] = true }
  :: atomic { alive[0] && !up[0] -> up[0] = true }
  :: atomic { alive[1] && !up[1] -> up[1] = true }
  :: atomic { !over && drains < MAXDRAIN && AVAIL > 1 && alive[0] -> drains++; draining[0] = true }
#ifndef NODUE
  :: atomic { !over && ask[0] == PENDING && !due[0] -> due[0] = true }
  :: atomic { !over && ask[1] == PENDING && !due[1] -> due[1] = true }
#endif
  od
}

init {
  atomic { alive[0] = true; alive[1] = true; up[0] = true; up[1] = true; rinst[1] = 0;
    run World(); run Run(1, 0, 0, false, false); run Answer(0); run Answer(1);
#if MAXCANCEL > 0
    run Cancel();
#endif
#if MAXDEL > 0
    run Delete();
#endif
    run Poll();
#if POLLERS > 1
    run Poll();
#endif
  };
  (_nr_pr == 2 && over);
  assert(!cdone || finals == 0);
  assert(cdone || deleted || finals == 1);
  assert(finals <= 1);
#ifdef SINGLE
  assert(eff[0] <= 1 && eff[1] <= 1);
#else
  assert(eff[0] <= 1 + hits[0] && eff[1] <= 1 + hits[1]);
#endif
  assert(!(finals == 1 && !unknown) || (msgs[0] == 1 && msgs[1] == 1 && eff[0] >= 1 && eff[1] >= 1));
  /* an answer that was stored is what the handler got */
  assert(!(finals == 1 && !unknown && stored[0]) || seen[0] == ANSWERED);
  assert(!(finals == 1 && !unknown && stored[1]) || seen[1] == ANSWERED)
}
