(* RG-12: what the ranks of n paired values can say.  Spearman's rho is the
   correlation of the ranks; the null lets all orders be equally likely. *)
From mathcomp Require Import all_ssreflect all_algebra all_fingroup.
From Routegauge Require Import FieldTactics.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Ranks.
Variables (R : rcfType) (n : nat).
Implicit Types (x y a b : 'I_n -> R).
Add Field ranks_field : (mc_field_theory R).

(* How many values are smaller: 0 to n-1 without ties. *)
Definition rank_of x (i : 'I_n) : R := #|[set j | x j < x i]|%:R.
Definition centred a (i : 'I_n) : R := a i - (\sum_j a j) / n%:R.
Definition cross a b : R := \sum_i centred a i * centred b i.
Definition correlation a b : R := cross a b / Num.sqrt (cross a a * cross b b).
Definition spearman x y : R := correlation (rank_of x) (rank_of y).

(* RG-12. (a) Strictly increasing maps of either coordinate change no rank, so
   neither rho. *)
Theorem RG_12_a_rank_invariance x y (f g : R -> R) :
  {mono f : u v / u < v} -> {mono g : u v / u < v} ->
  spearman (fun i => f (x i)) (fun i => g (y i)) = spearman x y.
Proof.
move=> hf hg.
have same z (u : R -> R) : {mono u : v w / v < w} -> rank_of (fun i => u (z i)) =1 rank_of z.
  by move=> hu i; congr _%:R; apply: eq_card => j; rewrite !inE hu.
have ext a a' b b' : a =1 a' -> b =1 b' -> cross a b = cross a' b'.
  move=> ea eb; apply: eq_bigr => i _; rewrite /centred ea eb.
  by rewrite (eq_bigr _ (fun j _ => ea j)) (eq_bigr _ (fun j _ => eb j)).
have hx := same x f hf; have hy := same y g hg.
by rewrite /spearman /correlation (ext _ _ _ _ hx hy) (ext _ _ _ _ hx hx) (ext _ _ _ _ hy hy).
Qed.

Lemma sum_centred a : \sum_i centred a i = 0.
Proof.
rewrite /centred sumrB sumr_const card_ord -[_ *+ n]mulr_natr; have [n0|n0] := posnP n.
  rewrite [X in _ * X](_ : _ = 0); last by rewrite {1}n0.
  by rewrite mulr0 subr0 big1 // => i; have := ltn_ord i; rewrite {2}n0.
by rewrite divfK ?subrr // pnatr_eq0 -lt0n.
Qed.

(* Permuting a vector permutes its deviations from the mean. *)
Lemma centred_perm a (s : {perm 'I_n}) i : centred (fun j => a (s j)) i = centred a (s i).
Proof. by rewrite /centred; congr (_ - _ / _); rewrite [RHS](reindex_inj (@perm_inj _ s)). Qed.

Lemma cross_perm b (s : {perm 'I_n}) :
  cross (fun j => b (s j)) (fun j => b (s j)) = cross b b.
Proof.
rewrite /cross [RHS](reindex_inj (@perm_inj _ s)).
by apply: eq_bigr => i _; rewrite !centred_perm.
Qed.

(* The average over all orders of the second members. *)
Definition over_orders (f : {perm 'I_n} -> R) : R := (\sum_s f s) / (n`!)%:R.

Lemma fact_neq0 : (n`!)%:R != 0 :> R.
Proof. by rewrite pnatr_eq0 -lt0n fact_gt0. Qed.

Lemma sum_orders1 (c : 'I_n -> R) i :
  n%:R * (\sum_(s : {perm 'I_n}) c (s i)) = (n`!)%:R * \sum_j c j.
Proof.
have const j : \sum_(s : {perm 'I_n}) c (s j) = \sum_(s : {perm 'I_n}) c (s i).
  rewrite (reindex_inj (mulgI (tperm j i))) /=; apply: eq_bigr => s _.
  by rewrite permM tpermL.
transitivity (\sum_j \sum_(s : {perm 'I_n}) c (s j)).
  by rewrite (eq_bigr _ (fun j _ => const j)) sumr_const card_ord mulr_natl.
rewrite exchange_big /= (eq_bigr (fun=> \sum_j c j)) => [|s _].
  by rewrite sumr_const -[in RHS]card_Sn mulr_natl.
by rewrite [RHS](reindex_inj (@perm_inj _ s)).
Qed.

(* Mixed products at two different places do not depend on the places. *)
Lemma sum_orders2 (c : 'I_n -> R) i j i' j' : i != j -> i' != j' ->
  \sum_(s : {perm 'I_n}) c (s i) * c (s j) = \sum_(s : {perm 'I_n}) c (s i') * c (s j').
Proof.
move=> ij ij'; pose t := tperm i i'; pose u := tperm (t j) j'.
have tj : t j != i'.
  by rewrite -(tpermL i i') -/t (inj_eq (@perm_inj _ t)) eq_sym.
rewrite [RHS](reindex_inj (mulgI (t * u)^-1)%g) /=.
apply: eq_bigr => s _; rewrite !permM.
have ei : ((t * u)^-1)%g i' = i.
  by apply: (@perm_inj _ (t * u)%g); rewrite permKV permM tpermL /u tpermD // eq_sym.
have ej : ((t * u)^-1)%g j' = j.
  by apply: (@perm_inj _ (t * u)%g); rewrite permKV permM /u tpermL.
by rewrite ei ej.
Qed.

Lemma order_moments a b : (1 < n)%N -> \sum_i a i = 0 -> \sum_i b i = 0 ->
  over_orders (fun s => \sum_i a i * b (s i)) = 0 /\
  over_orders (fun s => (\sum_i a i * b (s i)) ^+ 2) =
    (\sum_i a i ^+ 2) * (\sum_i b i ^+ 2) / (n%:R - 1).
Proof.
move=> n1 a0 b0; have n0 := ltnW n1; have nn : n%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have nn1 : n%:R - 1 != 0 :> R by rewrite -(natrB R n0) pnatr_eq0 subn_eq0 -ltnNge.
pose i0 : 'I_n := Ordinal n0; pose i1 : 'I_n := Ordinal n1.
have ne01 : i0 != i1 by [].
have mean i : \sum_(s : {perm 'I_n}) b (s i) = 0.
  by apply: (mulfI nn); rewrite sum_orders1 b0 !mulr0.
split.
  rewrite /over_orders exchange_big big1 ?mul0r // => i _.
  by rewrite -mulr_sumr mean mulr0.
set S1 := \sum_(s : {perm 'I_n}) b (s i0) * b (s i0).
set S2 := \sum_(s : {perm 'I_n}) b (s i0) * b (s i1).
have S1E i : \sum_(s : {perm 'I_n}) b (s i) * b (s i) = S1.
  by apply: (mulfI nn); rewrite /S1 !(sum_orders1 (fun l => b l * b l)).
have S1v : n%:R * S1 = (n`!)%:R * \sum_i b i ^+ 2.
  by rewrite /S1 (sum_orders1 (fun l => b l * b l)).
have link : S1 + (n%:R - 1) * S2 = 0.
  have : \sum_j \sum_(s : {perm 'I_n}) b (s i0) * b (s j) = 0.
    rewrite exchange_big big1 // => s _; rewrite -mulr_sumr.
    have -> : \sum_j b (s j) = 0 by rewrite -[RHS]b0 [RHS](reindex_inj (@perm_inj _ s)).
    by rewrite mulr0.
  rewrite (bigD1 i0) //= -/S1 (eq_bigr (fun=> S2)) => [|j ne]; last first.
    by apply: sum_orders2; rewrite // eq_sym.
  move=> <-; congr (_ + _); rewrite sumr_const -[RHS]mulr_natl; congr (_ * _).
  rewrite -(natrB R n0) subn1; congr _%:R.
  by rewrite cardC1 card_ord.
have sq : \sum_(s : {perm 'I_n}) (\sum_i a i * b (s i)) ^+ 2 = (\sum_i a i ^+ 2) * (S1 - S2).
  transitivity (\sum_i \sum_j a i * a j * \sum_(s : {perm 'I_n}) b (s i) * b (s j)).
    transitivity (\sum_(s : {perm 'I_n}) \sum_i \sum_j (a i * b (s i)) * (a j * b (s j))).
      apply: eq_bigr => s _; rewrite expr2 mulr_suml; apply: eq_bigr => i _.
      by rewrite mulr_sumr.
    rewrite exchange_big; apply: eq_bigr => i _; rewrite exchange_big; apply: eq_bigr => j _ /=.
    by rewrite mulr_sumr; apply: eq_bigr => s _; rewrite mulrACA.
  transitivity (\sum_i (a i ^+ 2 * (S1 - S2) + a i * S2 * \sum_j a j)).
    apply: eq_bigr => i _; rewrite (bigD1 i) //= S1E.
    rewrite (eq_bigr (fun j => a i * a j * S2)) => [|j ne]; last first.
      by rewrite (@sum_orders2 b i j i0 i1) // eq_sym.
    rewrite [in RHS](bigD1 i) //= -mulr_suml -mulr_sumr; move: (\sum_(j | j != i) a j) => t.
    by mring R.
  by rewrite big_split /= -mulr_suml -mulr_suml a0 mulr0 addr0.
rewrite /over_orders sq; have f0 := fact_neq0.
have S2v : S2 = - S1 / (n%:R - 1).
  apply: (mulfI nn1); rewrite mulrCA divff // mulr1; apply/eqP.
  by rewrite -addr_eq0 addrC link.
have S1w : S1 = (n`!)%:R * (\sum_i b i ^+ 2) / n%:R by rewrite -S1v mulrAC divff ?mul1r.
rewrite S2v S1w; move: (\sum_i a i ^+ 2) (\sum_i b i ^+ 2) ((n`!)%:R) f0 => A B f f0.
by mfield R; repeat split; apply/eqP.
Qed.

(* RG-12. (b) Under the null rho has mean 0 and variance 1/(n-1): average over all
   orders, for any values that are not all equal, ranks in particular. *)
Theorem RG_12_b_moments_of_rho a b : (1 < n)%N -> cross a a != 0 -> cross b b != 0 ->
  over_orders (fun s => correlation a (fun i => b (s i))) = 0 /\
  over_orders (fun s => correlation a (fun i => b (s i)) ^+ 2) = (n%:R - 1)^-1.
Proof.
move=> n1 a0 b0.
have [m1 m2] := order_moments n1 (sum_centred a) (sum_centred b).
have pos c : 0 <= cross c c by apply: sumr_ge0 => i _; rewrite -expr2 sqr_ge0.
have corrE (s : {perm 'I_n}) : correlation a (fun i => b (s i)) =
    (\sum_i centred a i * centred b (s i)) / Num.sqrt (cross a a * cross b b).
  rewrite /correlation (cross_perm b s); congr (_ / _).
  by apply: eq_bigr => i _; rewrite (centred_perm b s).
have sqE c : cross c c = \sum_i centred c i ^+ 2.
  by apply: eq_bigr => i _; rewrite expr2.
split.
  rewrite /over_orders (eq_bigr _ (fun s _ => corrE s)) -mulr_suml mulrAC -/(over_orders _).
  by rewrite m1 mul0r.
rewrite /over_orders (eq_bigr (fun s : {perm 'I_n} =>
   (\sum_i centred a i * centred b (s i)) ^+ 2 / (cross a a * cross b b))); last first.
  by move=> s _; rewrite corrE expr_div_n sqr_sqrtr // mulr_ge0.
rewrite -mulr_suml mulrAC -/(over_orders _) m2 -!sqE.
have aux (x y z : R) : x != 0 -> y != 0 -> x * y / z / (x * y) = z^-1.
  by move=> x0 y0; rewrite mulrAC divff ?mul1r // mulf_neq0.
exact: aux.
Qed.

(* RG-12. (c) The exact permutation test counts the given order itself, so its
   one-sided p is at least 1/n!, whatever the statistic. *)
Theorem RG_12_c_smallest_p (T : {perm 'I_n} -> R) :
  (n`!)%:R^-1 <= #|[set s | T 1%g <= T s]|%:R / (n`!)%:R :> R.
Proof.
rewrite ler_pmull ?invr_gt0 ?ltr0n ?fact_gt0 // ler1n; apply/card_gt0P.
by exists 1%g; rewrite inE.
Qed.

End Ranks.
