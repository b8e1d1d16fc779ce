(* RG-10 and RG-11: the redundancy index of two expert outputs and its null, and what
   norm ratios do not measure. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct TopK.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Indices.
Variables (R : rcfType) (n : nat).
Implicit Types (a b : 'cV[R]_n).
Add Field indices_field : (mc_field_theory R).

(* Redundancy index of two expert outputs. *)
Definition redundancy a b : R := norm (a - b) / (norm a + norm b).

(* RG-10. (a) It lies in [0,1]. *)
Theorem RG_10_a_range a b : 0 <= redundancy a b <= 1.
Proof.
have s0 : 0 <= norm a + norm b by rewrite addr_ge0 ?norm_ge0.
rewrite /redundancy divr_ge0 ?norm_ge0 //=; move: s0; rewrite le_eqVlt => /orP[/eqP <-|s0].
  by rewrite invr0 mulr0 ler01.
by rewrite ler_pdivr_mulr // mul1r -(normN b) norm_triangle.
Qed.

(* RG-10. (b) It is 0 exactly for equal outputs. *)
Theorem RG_10_b_zero a b : redundancy a b = 0 <-> a = b.
Proof.
split=> [/eqP|->]; last by rewrite /redundancy subrr /norm dot0l sqrtr0 mul0r.
rewrite mulf_eq0 invr_eq0 norm_eq0 subr_eq0 => /orP[/eqP //|].
rewrite paddr_eq0 ?norm_ge0 // !norm_eq0 => /andP[/eqP -> /eqP ->] //.
Qed.

(* RG-10. (c) It is 1 exactly when the outputs are not both zero and point in
   opposite directions (or one of them vanishes). *)
Theorem RG_10_c_one a b :
  redundancy a b = 1 <-> (a != 0 \/ b != 0) /\ norm b *: a = - (norm a *: b).
Proof.
set s := norm a + norm b.
have n00 : norm (0 : 'cV[R]_n) = 0 by apply/eqP; rewrite norm_eq0.
have key : dot (norm b *: a + norm a *: b) (norm b *: a + norm a *: b) =
    norm a * norm b * (s ^+ 2 - norm (a - b) ^+ 2).
  rewrite [norm (a - b) ^+ 2]norm_sqr !(dotDl, dotDr, dotZl, dotZr, dotNl, dotNr) (dotC b a).
  rewrite -!norm_sqr /s; move: (norm a) (norm b) (dot a b) => x y z; by mring R.
have pos : (a != 0 \/ b != 0) <-> 0 < s.
  split=> [[] h|]; first by rewrite ltr_paddr ?norm_ge0 // norm_gt0.
    by rewrite ltr_paddl ?norm_ge0 // norm_gt0.
  rewrite lt_def paddr_eq0 ?norm_ge0 // !norm_eq0 negb_and => /andP[/orP[]]; by [left|right].
split=> [h|[/pos s0 h]].
  have s0 : 0 < s.
    rewrite lt_def addr_ge0 ?norm_ge0 // andbT; apply/eqP => z.
    by move: h; rewrite /redundancy -/s z invr0 mulr0 => /eqP; rewrite eq_sym oner_eq0.
  split; first exact/pos.
  have e : norm (a - b) = s by rewrite -[LHS](divfK (lt0r_neq0 s0)) -/(redundancy a b) h mul1r.
  move: key; rewrite e subrr mulr0 => /eqP; rewrite dot_eq0 addr_eq0 => /eqP //.
move: key; rewrite h addNr dot0l => /esym/eqP.
rewrite !mulf_eq0 !norm_eq0 -orbA => /or3P[/eqP a0|/eqP b0|].
- move: s0; rewrite /redundancy /s a0 sub0r normN n00 !add0r => s0.
  by rewrite divff // lt0r_neq0.
- move: s0; rewrite /redundancy /s b0 subr0 n00 !addr0 => s0.
  by rewrite divff // lt0r_neq0.
rewrite subr_eq0 eqr_expn2 ?norm_ge0 ?(ltW s0) // => /eqP e.
by rewrite /redundancy -/s -e divff // gt_eqF.
Qed.

(* RG-10. (d) Orthogonal outputs of equal norm, the null, give 1/sqrt 2. *)
Theorem RG_10_d_orthogonal_null a b :
  dot a b = 0 -> norm a = norm b -> a != 0 -> redundancy a b = (Num.sqrt 2%:R)^-1.
Proof.
move=> o e a0; have n0 : 0 < norm a by rewrite norm_gt0.
have s2 : 0 < Num.sqrt 2%:R :> R by rewrite sqrtr_gt0 ltr0n.
have -> : redundancy a b = Num.sqrt 2%:R * norm a / (norm a + norm a).
  rewrite /redundancy -e; congr (_ / _); rewrite {1}/norm.
  rewrite !(dotDl, dotDr, dotNl, dotNr) (dotC b a) o oppr0 addr0 add0r opprK.
  by rewrite -!norm_sqr -e -mulr2n -[(_ ^+ 2) *+ 2]mulr_natl sqrtrM ?ler0n // sqrtr_sqr ger0_norm ?ltW.
rewrite -mulr2n -[norm a *+ 2]mulr_natl -{2}[2%:R](@sqr_sqrtr R) ?ler0n //.
move: (norm a) (Num.sqrt 2%:R) n0 s2 => x y x0 y0.
by mfield R; split; apply/eqP; rewrite gt_eqF.
Qed.

(* RG-10. (e) Orthogonal outputs whose norms are in the ratio r give
   sqrt(1 + r^2)/(1 + r), which is at least 1/sqrt 2. *)
Theorem RG_10_e_orthogonal_unequal_norms a b (r : R) :
  dot a b = 0 -> a != 0 -> 0 <= r -> norm b = r * norm a ->
  redundancy a b = Num.sqrt (1 + r ^+ 2) / (1 + r) /\ (Num.sqrt 2%:R)^-1 <= redundancy a b.
Proof.
move=> o a0 r0 hb; have n0 : 0 < norm a by rewrite norm_gt0.
have r1 : 0 < 1 + r by rewrite ltr_spaddl ?ltr01.
have value : redundancy a b = Num.sqrt (1 + r ^+ 2) / (1 + r).
  have -> : redundancy a b = (Num.sqrt (1 + r ^+ 2) * norm a) / ((1 + r) * norm a).
    rewrite /redundancy hb mulrDl mul1r; congr (_ / _); rewrite {1}/norm.
    rewrite !(dotDl, dotDr, dotNl, dotNr) (dotC b a) o oppr0 addr0 add0r opprK.
    rewrite -!norm_sqr hb exprMn -[X in X + _]mul1r -mulrDl sqrtrM ?addr_ge0 ?ler01 ?sqr_ge0 //.
    by rewrite sqrtr_sqr ger0_norm ?norm_ge0.
  by rewrite -mulf_div divff ?mulr1 // gt_eqF.
split=> //; rewrite value ler_pdivl_mulr // mulrC ler_pdivr_mulr ?sqrtr_gt0 ?ltr0n //.
rewrite -sqrtrM ?addr_ge0 ?ler01 ?sqr_ge0 // -[X in X <= _](ger0_norm (ltW r1)) -sqrtr_sqr.
apply: ler_wsqrtr; rewrite -subr_ge0.
have -> : (1 + r ^+ 2) * 2%:R - (1 + r) ^+ 2 = (1 - r) ^+ 2 by mring R.
exact: sqr_ge0.
Qed.

(* RG-11. (a) For s = a + b the additive shares sum to one. *)
Theorem RG_11_a_additive_shares a b : a + b != 0 ->
  dot (a + b) a / dot (a + b) (a + b) + dot (a + b) b / dot (a + b) (a + b) = 1.
Proof. by move=> s0; rewrite -mulrDl -dotDr divff // dot_eq0. Qed.

(* RG-11. (b) The norm ratio is not a share: a component b = lambda 1 never
   changes a shift-invariant top-k choice, yet its ratio tends to 1. *)
Theorem RG_11_b_norm_ratio_is_not_a_share (TopK : 'cV[R]_n -> {set 'I_n}) a :
  (0 < n)%N -> shift_invariant TopK ->
  (forall l : R, TopK (a + const_mx l) = TopK a) /\
  forall eps : R, 0 < eps -> exists l0, forall l : R, l0 <= l ->
    1 - eps <= norm (const_mx l : 'cV[R]_n) / (norm a + norm (const_mx l : 'cV[R]_n)) <= 1.
Proof.
move=> n0 sh; split=> [l|eps e0]; first exact: sh.
have n0' : 0 < n%:R :> R by rewrite ltr0n.
have nc (l : R) : 0 <= l -> l <= norm (const_mx l : 'cV[R]_n).
  move=> l0; rewrite -[X in X <= _](ger0_norm l0) -sqrtr_sqr ler_wsqrtr //.
  rewrite /dot (eq_bigr (fun=> l ^+ 2)); last by move=> i _; rewrite !mxE expr2.
  by rewrite sumr_const card_ord -{1}[l ^+ 2]mulr1n; apply: ler_wpmuln2l; rewrite ?sqr_ge0.
exists (1 + norm a / eps) => l hl.
have l0 : 0 < l.
  apply: lt_le_trans hl; apply: ltr_paddr; last exact: ltr01.
  by apply: divr_ge0; [apply: norm_ge0 | apply: ltW].
have := nc l (ltW l0); set c := norm (const_mx l) => hc.
have c0 : 0 < c by apply: lt_le_trans hc.
have s0 : 0 < norm a + c by apply: ltr_paddl; rewrite ?norm_ge0.
rewrite ler_pdivl_mulr // ler_pdivr_mulr // mul1r ler_addr norm_ge0 andbT.
have : norm a <= eps * c.
  rewrite mulrC -ler_pdivr_mulr //; apply: le_trans hc; apply: le_trans hl.
  by rewrite ler_addr ler01.
have := mulr_ge0 (ltW e0) (norm_ge0 a); move: (norm a) => x h1 h2.
rewrite -subr_ge0 [X in 0 <= X](_ : _ = (eps * c - x) + eps * x); last by mring R.
by rewrite addr_ge0 // subr_ge0.
Qed.

End Indices.
