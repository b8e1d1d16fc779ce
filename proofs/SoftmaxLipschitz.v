(* AD-1: the Lipschitz constants of softmax, from its Jacobian and, without calculus, from AD-2.   *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.classical Require Import boolp classical_sets.
From mathcomp.analysis Require Import reals topology normedtype derive sequences exp.
From Routegauge Require Import AttentionDistortion.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory numFieldTopology.Exports numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Jacobian.
Variables (R : realFieldType) (n : nat) (p : 'I_n -> R).
Hypotheses (p0 : forall i, 0 <= p i) (p1 : \sum_i p i = 1).

(* The Jacobian of softmax where it has the value p. *)
Definition jacobian i j : R := p i *+ (i == j) - p i * p j.

Lemma quarter_bound (x : R) : x * (1 - x) <= 4^-1.
Proof.
have -> : 4^-1 = x * (1 - x) + (x - 2^-1) ^+ 2 by field.
by rewrite ler_addl sqr_ge0.
Qed.

Lemma p_le1 i : p i <= 1.
Proof. by rewrite -p1 (bigD1 i) //= ler_addl; apply: sumr_ge0. Qed.

Lemma rest i : \sum_(j | j != i) p j = 1 - p i.
Proof. by have := p1; rewrite (bigD1 i) //= => e; rewrite -e addrAC subrr add0r. Qed.

Lemma row_sum i : \sum_j `|jacobian i j| = 2 * (p i * (1 - p i)).
Proof.
rewrite (bigD1 i) //= /jacobian eqxx mulr1n (eq_bigr (fun j => p i * p j)) => [|j ji].
  rewrite -mulr_sumr rest -{1}(mulr1 (p i)) -mulrBr ger0_norm; first by ring.
  by rewrite mulr_ge0 // subr_ge0 p_le1.
by rewrite eq_sym (negPf ji) sub0r normrN ger0_norm // mulr_ge0.
Qed.

(* AD-1. Every row of the Jacobian, and as it is symmetric every column, has L1 norm 2 p (1 - p), at *)
(* most 1/2: the norm from sup to sup and from L1 to L1.                                              *)
Theorem AD_1_a_row_bound i : \sum_j `|jacobian i j| = 2 * (p i * (1 - p i)) /\
  \sum_j `|jacobian i j| <= 2^-1 /\ forall j, jacobian i j = jacobian j i.
Proof.
rewrite row_sum; split=> //; split=> [|j].
  have -> : 2^-1 = 2 * 4^-1 :> R by field.
  by rewrite ler_wpmul2l ?ler0n ?quarter_bound.
by rewrite /jacobian eq_sym mulrC; case: eqP => [->|].
Qed.

(* AD-1. No entry exceeds 1/4: the norm from L1 to sup. *)
Theorem AD_1_b_entry_bound i j : `|jacobian i j| <= 4^-1.
Proof.
rewrite /jacobian; case: eqVneq => [<-|ij].
  rewrite mulr1n -{1}(mulr1 (p i)) -mulrBr ger0_norm ?quarter_bound //.
  by rewrite mulr_ge0 // subr_ge0 p_le1.
rewrite sub0r normrN ger0_norm ?mulr_ge0 //; apply: le_trans (quarter_bound (p i)).
apply: ler_wpmul2l => //; rewrite -rest (bigD1 j) /=; last by rewrite eq_sym.
by rewrite ler_addl; apply: sumr_ge0.
Qed.

(* AD-1. A vector with entries in [-1, 1] is mapped to one of L1 norm at most 1: the norm from sup to L1. *)
Theorem AD_1_c_sup_to_l1 (x : 'I_n -> R) : (forall i, `|x i| <= 1) ->
  \sum_i `|\sum_j jacobian i j * x j| <= 1.
Proof.
move=> x1; have [m mE] : exists m, m = \sum_j p j * x j by exists (\sum_j p j * x j).
have JE i : \sum_j jacobian i j * x j = p i * (x i - m).
  rewrite (eq_bigr (fun j => p i *+ (i == j) * x j - p i * (p j * x j))) => [|j _]; last by rewrite mulrBl mulrA.
  rewrite sumrB -mulr_sumr -mE mulrBr (bigD1 i) //= eqxx mulr1n big1 ?addr0 // => j ji.
  by rewrite eq_sym (negPf ji) mul0r.
have var : \sum_i p i * (x i - m) ^+ 2 <= 1.
  rewrite (eq_bigr (fun i => p i * x i ^+ 2 - 2 * m * (p i * x i) + m ^+ 2 * p i)) => [|i _]; last by ring.
  rewrite big_split /= sumrB -!mulr_sumr p1 -mE mulr1.
  have expand (s q : R) : s - 2 * q * q + q ^+ 2 = s - q ^+ 2 by ring.
  rewrite expand.
  rewrite ler_subl_addr; apply: (@le_trans _ _ (\sum_i p i)); last by rewrite p1 ler_addl sqr_ge0.
  apply: ler_sum => i _; rewrite ler_pimulr // -[x i ^+ 2]real_normK ?num_real //.
  by rewrite -[1](expr1n _ 2) ler_sqr ?nnegrE.
have am i : `|p i * (x i - m)| <= p i * (2^-1 + 2^-1 * (x i - m) ^+ 2).
  rewrite normrM (ger0_norm (p0 i)); apply: ler_wpmul2l => //.
  rewrite -[(x i - m) ^+ 2]real_normK ?num_real //; move: `|x i - m| => y.
  rewrite -subr_ge0 (_ : _ - _ = 2^-1 * (y - 1) ^+ 2); last by field.
  by rewrite mulr_ge0 ?sqr_ge0 // invr_ge0 ler0n.
rewrite (eq_bigr (fun i => `|p i * (x i - m)|)) => [|i _]; last by rewrite JE.
apply: le_trans (ler_sum _ (fun i _ => am i)) _.
rewrite (eq_bigr (fun i => 2^-1 * p i + 2^-1 * (p i * (x i - m) ^+ 2))) => [|i _]; last by ring.
rewrite big_split /= -!mulr_sumr p1 mulr1 -[X in _ <= X](_ : 2^-1 + 2^-1 * 1 = 1 :> R); last by field.
by rewrite ler_add2l ler_wpmul2l // invr_ge0 ler0n.
Qed.
End Jacobian.

Section Integrated.
Variables (R : realType) (n : nat).
Hypothesis n0 : (0 < n)%N.
Implicit Types z dl : 'I_n -> R.

Lemma exp_gap (y : R) : 0 <= y -> 0 <= 1 + (y - 1) * expR y.
Proof.
move=> y0; pose g (x : R) : R := 1 + (x - 1) * expR x.
have dg x : is_derive x 1 g (x * expR x).
  rewrite /g; apply: is_derive_eq; rewrite /GRing.scale /=; ring.
have cg : {within `[0, y], continuous g}%classic.
  apply: continuous_subspaceT => x; apply: differentiable_continuous; apply/derivable1_diffP.
  by case: (dg x).
have [c cin e] := MVT_segment y0 (fun x _ => dg x) cg.
have g0 : g 0 = 0 by rewrite /g expR0 mulr1 sub0r subrr.
have c0 : 0 <= c by move: cin; rewrite in_itv /= => /andP [].
by move: e; rewrite g0 !subr0 -/(g y) => ->; rewrite !mulr_ge0 // ltW // expR_gt0.
Qed.

Lemma exp_ratio_le (y : R) : 0 <= y -> (expR y - 1) / (expR y + 1) <= y / 2.
Proof.
move=> y0; have e0 : 0 < expR y + 1 by rewrite addr_gt0 ?expR_gt0 ?ltr01.
pose f (x : R) : R := x * (expR x + 1) - 2 * (expR x - 1).
have df x : is_derive x 1 f (expR x + 1 + x * expR x - 2 * expR x).
  rewrite /f; apply: is_derive_eq; rewrite /GRing.scale /=; ring.
have cf : {within `[0, y], continuous f}%classic.
  apply: continuous_subspaceT => x; apply: differentiable_continuous; apply/derivable1_diffP.
  by case: (df x).
have [c cin e] := MVT_segment y0 (fun x _ => df x) cf.
have c0 : 0 <= c by move: cin; rewrite in_itv /= => /andP [].
suff : 0 <= f y.
  by rewrite /f subr_ge0 => h; rewrite (ler_pdivr_mulr _ _ e0) mulrAC ler_pdivl_mulr ?ltr0n // [X in X <= _]mulrC.
have f0 : f 0 = 0 by rewrite /f expR0 subrr mulr0 mul0r subr0.
move: e; rewrite f0 !subr0 => ->; apply: mulr_ge0 => //.
by rewrite (_ : _ - _ = 1 + (c - 1) * expR c) ?exp_gap //; ring.
Qed.

(* The largest change of a score. *)
Variables (z dl : 'I_n -> R).
Let p := softmax z.
Let p' := softmax (fun i => z i + dl i).

Lemma tv_le_osc : tv p p' <= osc dl / 4.
Proof.
apply: le_trans (AD_2_a_softmax_tv_bound n0 z dl) _; rewrite (tanhE (osc dl)) //.
have -> : osc dl / 4 = osc dl / 2 / 2 by field.
by apply: exp_ratio_le; rewrite divr_ge0 ?osc_ge0 ?ler0n.
Qed.

Lemma l1_le_osc : \sum_i `|p' i - p i| <= osc dl / 2.
Proof.
have := tv_le_osc; rewrite /tv ler_pdivr_mulr ?ltr0n //; congr (_ <= _); by field.
Qed.

(* One entry moves by at most the total variation, as all movements sum to zero. *)
Lemma entry_le_tv i : `|p' i - p i| <= tv p p'.
Proof.
have total : \sum_j (p' j - p j) = 0 by rewrite sumrB !softmax_sum // subrr.
have e : `|p' i - p i| = `|\sum_(j | j != i) (p' j - p j)|.
  by move: total; rewrite (bigD1 i) //= => /eqP; rewrite addr_eq0 => /eqP ->; rewrite normrN.
rewrite /tv ler_pdivl_mulr ?ltr0n // mulr_natr mulr2n [X in _ <= X](bigD1 i) //= ler_add2l e.
exact: ler_norm_sum.
Qed.

(* AD-1, integrated, without the mean value theorem along a segment: from AD-2 and tanh x <= x. If no *)
(* score moves by more than M, no probability moves by more than M/2, and all together by at most M in *)
(* L1. Softmax is 1/2-Lipschitz in the sup norm, 1-Lipschitz from sup to L1.                           *)
Theorem AD_1_d_sup_lipschitz (M : R) : (forall i, `|dl i| <= M) ->
  (forall i, `|p' i - p i| <= M / 2) /\ \sum_i `|p' i - p i| <= M.
Proof.
move=> hM; have oM : osc dl <= 2 * M.
  apply: osc_le => [|i j].
    by rewrite mulr_ge0 ?ler0n //; apply: le_trans (hM (Ordinal n0)).
  rewrite mulr_natl mulr2n; apply: ler_add; first exact: le_trans (ler_norm _) (hM i).
  by apply: le_trans (ler_norm _) _; rewrite normrN.
split=> [i|].
  apply: le_trans (entry_le_tv i) (le_trans tv_le_osc _).
  rewrite ler_pdivr_mulr ?ltr0n // (_ : M / 2 * 4 = 2 * M) //; by field.
by apply: le_trans l1_le_osc _; rewrite ler_pdivr_mulr ?ltr0n // mulrC.
Qed.

(* AD-1. In the L1 norm too softmax is 1/2-Lipschitz. *)
Theorem AD_1_e_l1_lipschitz : \sum_i `|p' i - p i| <= (\sum_i `|dl i|) / 2.
Proof.
apply: le_trans l1_le_osc _; rewrite ler_wpmul2r ?invr_ge0 ?ler0n //.
apply: osc_le => [|i j]; first exact: sumr_ge0.
have [->|ij] := eqVneq i j; first by rewrite subrr sumr_ge0.
rewrite (bigD1 i) //= (bigD1 j) /=; last by rewrite eq_sym.
rewrite addrA; apply: (@le_trans _ _ (`|dl i| + `|dl j|)).
  by apply: ler_add; [exact: ler_norm|rewrite -normrN; exact: ler_norm].
by rewrite ler_addl; apply: sumr_ge0.
Qed.
End Integrated.
