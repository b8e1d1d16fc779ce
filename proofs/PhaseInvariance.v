(* RC-6: in-plane rotations after RoPE change nothing on average, if the phases of
   the planes are uniform and independent.  Finite version: every phase is one of n
   equally spaced ones. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals trigo.
From Routegauge Require Import FieldTactics InnerProduct OneBit GaugeSearch Rope.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

(* Coordinates in planes as in Rope.v: sigma i is the partner of i, pl i its plane,
   and orient gives the two partners opposite signs.  C and S are the cosine and the
   sine of the n phases, a cyclic group. *)
Section Phases.
Variables (R : rcfType) (d planes n : nat) (sigma : 'I_d -> 'I_d) (pl : 'I_d -> 'I_planes).
Variables (orient : 'I_d -> R) (C S : 'I_n.+1 -> R).
Hypothesis sigmaK : involutive sigma.
Hypothesis same_plane : forall i, pl (sigma i) = pl i.
Hypothesis orient_sqr : forall i, orient i * orient i = 1.
Hypothesis orient_sigma : forall i, orient (sigma i) = - orient i.
Hypothesis C_add : forall a b, C (a + b) = C a * C b - S a * S b.
Hypothesis S_add : forall a b, S (a + b) = S a * C b + C a * S b.
Add Field phases_field : (mc_field_theory R).

(* One phase for every plane, and the rotation by these phases. *)
Definition phases := {ffun 'I_planes -> 'I_n.+1}.
Definition turn (f : phases) : 'M[R]_d :=
  torus sigma (fun i => C (f (pl i))) (fun i => orient i * S (f (pl i))).

Lemma turn_add f g : turn f *m turn g = turn (f + g).
Proof.
apply/matrixP => i j; rewrite (mul_torus sigma) !mxE sigmaK same_plane orient_sigma !ffunE.
rewrite C_add S_add; have oo := orient_sqr i.
move: (C (f (pl i))) (S (f (pl i))) (C (g (pl i))) (S (g (pl i))) => c s c' s'.
have oss : orient i * s * (- orient i * s') = - (s * s').
  by rewrite mulNr mulrN mulrACA oo mul1r.
case: (j == i); case: (j == sigma i); rewrite ?mulr1n ?mulr0n ?addr0 ?add0r ?mulr0 ?addr0 ?add0r //.
- by rewrite !mulrDr oss; mring R.
- by rewrite oss.
- by mring R.
Qed.

(* The average over all phases. *)
Definition over_phases (F : phases -> R) : R := (\sum_f F f) / #|{: phases}|%:R.

(* RC-6. (a) For every function of the key, every in-plane rotation T by phases of the
   grid and every key, the average over uniform phases is the same with T and
   without. *)
Theorem RC_6_a_torus_gauges_are_powerless (F : 'cV[R]_d -> R) (T : phases) (k : 'cV[R]_d) :
  over_phases (fun f => F (turn T *m (turn f *m k))) = over_phases (fun f => F (turn f *m k)).
Proof.
rewrite /over_phases; congr (_ / _); rewrite [RHS](reindex_inj (addrI T)).
by apply: eq_bigr => f _; rewrite mulmxA turn_add.
Qed.

(* RC-6. (b) In particular for the mean 1-bit cosine, with keys of any finite law
   independent of the phases. *)
Theorem RC_6_b_mean_cosine (W : finType) (p : W -> R) (k : W -> 'cV[R]_d) (T : phases) :
  \sum_w p w * over_phases (fun f => cosine (turn T *m (turn f *m k w))) =
  \sum_w p w * over_phases (fun f => cosine (turn f *m k w)).
Proof.
by apply: eq_bigr => w _; rewrite (RC_6_a_torus_gauges_are_powerless (@cosine R d)).
Qed.

End Phases.

(* The hypotheses on C and S hold for n equally spaced angles. *)
Section Angles.
Variables (R : realType) (n : nat).
Definition angle (a : 'I_n.+1) : R := (pi *+ 2 / n.+1%:R) *+ a.

Lemma angle_add (a b : 'I_n.+1) : exists q : nat, angle a + angle b = angle (a + b) + (pi *+ 2) *+ q.
Proof.
exists ((a + b) %/ n.+1)%N; rewrite /angle -mulrnDr {1}(divn_eq (a + b) n.+1) addnC mulrnDr.
by congr (_ + _); rewrite mulnC mulrnA -[_ *+ n.+1]mulr_natr divfK // pnatr_eq0.
Qed.

Lemma cos_angle_add (a b : 'I_n.+1) : cos (angle (a + b)) =
  cos (angle a) * cos (angle b) - sin (angle a) * sin (angle b).
Proof.
by rewrite -cosD; have [q ->] := angle_add a b; rewrite (periodicn (@cosD2pi R)).
Qed.

Lemma sin_angle_add (a b : 'I_n.+1) : sin (angle (a + b)) =
  sin (angle a) * cos (angle b) + cos (angle a) * sin (angle b).
Proof.
by rewrite -sinD; have [q ->] := angle_add a b; rewrite (periodicn (@sinD2pi R)).
Qed.

(* RC-6. (c) The same with these angles written out: phases 2 pi a/(n+1). *)
Theorem RC_6_c_equally_spaced_angles (d planes : nat) (sigma : 'I_d -> 'I_d) (pl : 'I_d -> 'I_planes)
    (orient : 'I_d -> R) (F : 'cV[R]_d -> R) (T : phases planes n) (k : 'cV[R]_d) :
  involutive sigma -> (forall i, pl (sigma i) = pl i) -> (forall i, orient i * orient i = 1) ->
  (forall i, orient (sigma i) = - orient i) ->
  let theta := turn sigma pl orient (fun a => cos (angle a)) (fun a => sin (angle a)) in
  over_phases (fun f => F (theta T *m (theta f *m k))) = over_phases (fun f => F (theta f *m k)).
Proof.
move=> h1 h2 h3 h4 theta.
exact: (RC_6_a_torus_gauges_are_powerless h1 h2 h3 h4 cos_angle_add sin_angle_add).
Qed.

End Angles.
