(* DC-5, its last sentence: the best two-level quantiser of a symmetric density is centred, given    *)
(* Fleischer's uniqueness theorem (a fact of Missing.v).                                             *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From Routegauge Require Import Missing.
Local Open Scope R_scope.

(* Reflection at 0 exchanges the cells. *)
Lemma reflect_lower f c m : lower_cell f c m -> upper_cell (fun x => f (- x)) (- c) m.
Proof.
intros h P HP; destruct (h P HP) as [Q S [M HQ] HS H].
exists (fun x => S (- x)) (fun x => Q (- x)).
- now unfold at_point; rewrite Ropp_involutive.
- exists (- M); intros x xM; apply HQ; lra.
intros x y Sx Qy; destruct (H _ _ Qy Sx) as [v [iv Pv]]; exists v; split; [|easy]; simpl in iv |- *.
assert (k := is_RInt_comp_opp _ _ _ _ iv).
assert (k2 := is_RInt_swap _ _ _ _ (is_RInt_opp _ _ _ _ k)).
rewrite <- (Ropp_involutive v); apply (is_RInt_ext (fun t => opp (opp (f (- t))))); [|exact k2].
intros t _; apply Ropp_involutive.
Qed.

Lemma reflect_upper f c m : upper_cell f c m -> lower_cell (fun x => f (- x)) (- c) m.
Proof.
intros h P HP; destruct (h P HP) as [Q S HQ [M HS] H].
exists (fun x => S (- x)) (fun x => Q (- x)).
- exists (- M); intros x xM; apply HS; lra.
- now unfold at_point; rewrite Ropp_involutive.
intros x y Sx Qy; destruct (H _ _ Qy Sx) as [v [iv Pv]]; exists v; split; [|easy]; simpl in iv |- *.
assert (k := is_RInt_comp_opp _ _ _ _ iv).
assert (k2 := is_RInt_swap _ _ _ _ (is_RInt_opp _ _ _ _ k)).
rewrite <- (Ropp_involutive v); apply (is_RInt_ext (fun t => opp (opp (f (- t))))); [|exact k2].
intros t _; apply Ropp_involutive.
Qed.

Lemma lower_ext f g c m : (forall x, f x = g x) -> lower_cell f c m -> lower_cell g c m.
Proof.
intros e h; refine (is_RInt_gen_ext _ _ _ _ h); apply filter_forall; intros ab x _; apply e.
Qed.

Lemma upper_ext f g c m : (forall x, f x = g x) -> upper_cell f c m -> upper_cell g c m.
Proof.
intros e h; refine (is_RInt_gen_ext _ _ _ _ h); apply filter_forall; intros ab x _; apply e.
Qed.

Lemma lower_opp f g c m : (forall x, - f x = g x) -> lower_cell f c m -> lower_cell g c (- m).
Proof.
intros e h; refine (is_RInt_gen_ext _ _ _ _ (is_RInt_gen_opp _ _ h)).
apply filter_forall; intros ab x _; apply e.
Qed.

Lemma upper_opp f g c m : (forall x, - f x = g x) -> upper_cell f c m -> upper_cell g c (- m).
Proof.
intros e h; refine (is_RInt_gen_ext _ _ _ _ (is_RInt_gen_opp _ _ h)).
apply filter_forall; intros ab x _; apply e.
Qed.

(* Reflected levels satisfy the conditions for a symmetric density. *)
Lemma reflect_lloyd_max (p : R -> R) (a b : R) : (forall x, p (- x) = p x) ->
  lloyd_max p a b -> lloyd_max p (- b) (- a).
Proof.
intros sym [ab [Ml [Al [Mr [Ar [[l1 l2 u1 u2] [ea eb]]]]]]].
assert (c : (- b + - a) / 2 = - ((a + b) / 2)) by field.
split; [lra|]; exists Mr, (- Ar), Ml, (- Al); rewrite c; split; [split|].
- exact (lower_ext _ _ _ _ sym (reflect_upper _ _ _ u1)).
- refine (lower_opp _ _ _ _ _ (reflect_upper _ _ _ u2)).
  intro x; rewrite sym; change (- (- x * p x) = x * p x); ring.
- exact (upper_ext _ _ _ _ sym (reflect_lower _ _ _ l1)).
- refine (upper_opp _ _ _ _ _ (reflect_lower _ _ _ l2)).
  intro x; rewrite sym; change (- (- x * p x) = x * p x); ring.
- change (b * Mr = Ar) in eb; change (a * Ml = Al) in ea.
  split; [change (- b * Mr = - Ar)|change (- a * Ml = - Al)]; lra.
Qed.

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import Rstruct.
Import Order.Theory GRing.Theory Num.Theory.
Close Scope R_scope.
Local Open Scope ring_scope.

(* DC-5. Let the density of a centered coordinate be symmetric, continuous and strictly log-concave.  *)
(* Then two levels that satisfy the conditions of Lloyd and Max, as the best ones must, are opposite:  *)
(* their offset is 0, the mean. (The catalogue asks for log-concavity; strictness is Fleischer's        *)
(* hypothesis. That best levels satisfy the conditions is not proved here.)                             *)
Theorem DC_5_f_best_offset_is_the_mean (p : R -> R) (a b : R) : fleischer_statement ->
  (forall x, continuous p x) -> (forall x, 0 < p x) -> strictly_log_concave p ->
  (forall x, p (- x) = p x) -> lloyd_max p a b -> a + b = 0.
Proof.
move=> unique cp pp lc sym lm.
have [-> _] := unique p cp pp lc _ _ _ _ lm (reflect_lloyd_max _ _ _ sym lm).
exact: addNr.
Qed.
