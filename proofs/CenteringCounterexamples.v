(* DC-3 (i), (ii): exact examples in which removing the mean lowers, or does not raise, the best 1-bit cosine *)
(* over all rotations.                                                                             *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From Routegauge Require Import Vectors JensenFloor Centering.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* Three keys of two coordinates. *)
Section ThreeKeys.
Variable R : rcfType.
Implicit Types x y z : 'cV[R]_2.

Definition col2 (a b : R) : 'cV[R]_2 := \col_i if i == 0 then a else b.
Definition stack x y z : 'M[R]_(3, 2) :=
  \matrix_(n, j) (if n == 0 then x else if n == 1 then y else z) j 0.

Lemma sum_stack (F : 'cV[R]_2 -> R) x y z :
  \sum_n F (key (stack x y z) n) = F x + F y + F z.
Proof.
rewrite !big_ord_recl big_ord0 addr0 addrA.
by congr (F _ + F _ + F _); apply/colP=> j; rewrite keyE mxE.
Qed.

Lemma regauge_stack A x y z : regauge A (stack x y z) = stack (A *m x) (A *m y) (A *m z).
Proof.
apply/matrixP=> n j; rewrite -keyE key_regauge [RHS]mxE.
have -> : key (stack x y z) n = if n == 0 then x else if n == 1 then y else z.
  by apply/colP=> i; rewrite keyE mxE.
by case: (n == 0); case: (n == 1).
Qed.

Lemma mulZ (A : 'M[R]_2) a x : A *m (a *: x) = a *: (A *m x).
Proof. by rewrite -scalemxAr. Qed.

Lemma sqn2 x : sqn x = x 0 0 ^+ 2 + x 1 0 ^+ 2.
Proof.
rewrite /sqn !big_ord_recl big_ord0 addr0; congr (_ + x _ _ ^+ 2).
exact: val_inj.
Qed.

Lemma l1_2 x : l1 x = `|x 0 0| + `|x 1 0|.
Proof.
rewrite /l1 !big_ord_recl big_ord0 addr0; congr (_ + `|x _ _|).
exact: val_inj.
Qed.

Lemma sqn_col2 a b : sqn (col2 a b) = a ^+ 2 + b ^+ 2.
Proof. by rewrite sqn2 !mxE. Qed.

Lemma l1_col2 a b : l1 (col2 a b) = `|a| + `|b|.
Proof. by rewrite l1_2 !mxE. Qed.

Lemma mul_col2 (A : 'M[R]_2) a b i : (A *m col2 a b) i 0 = A i 0 * a + A i 1 * b.
Proof.
rewrite mxE !big_ord_recl big_ord0 addr0 !mxE /=; congr (_ + A _ _ * _).
exact: val_inj.
Qed.

Lemma orth2 (A : 'M[R]_2) : orthogonal A ->
  [/\ A 0 0 ^+ 2 + A 0 1 ^+ 2 = 1, A 1 0 ^+ 2 + A 1 1 ^+ 2 = 1,
      A 0 0 * A 1 0 + A 0 1 * A 1 1 = 0 & A 0 0 ^+ 2 + A 1 0 ^+ 2 = 1].
Proof.
move=> oA; have one : lift ord0 (ord0 : 'I_1) = 1 :> 'I_2 by apply: val_inj.
have e (B : 'M[R]_2) i j : B *m B^T = 1%:M -> B i 0 * B j 0 + B i 1 * B j 1 = (i == j)%:R.
  by move/matrixP/(_ i j); rewrite !mxE !big_ord_recl big_ord0 addr0 one !mxE.
have r := e A _ _ (orth_tr oA); have c := e A^T _ _ (orth_tr (orth_trmx oA)).
split; [exact: (r 0 0)|exact: (r 1 1)|exact: (r 0 1)|].
by have := c 0 0; rewrite !mxE.
Qed.

Lemma norm2_le (p q t : R) : `|p + q| <= t -> `|p - q| <= t -> `|p| + `|q| <= t.
Proof.
rewrite !ler_norml => /andP [pq1 pq2] /andP [qp1 qp2].
case: (ger0P p) => _; case: (ger0P q) => _ //.
  by rewrite addrC -opprB ler_oppl.
by rewrite -opprD ler_oppl.
Qed.

(* What the two longer centered keys of the example can reach together. *)
Lemma pair_bound (A : 'M[R]_2) : orthogonal A ->
  l1 (A *m col2 1 (-2)) ^+ 2 + l1 (A *m col2 (-2) 1) ^+ 2 <= 18%:R.
Proof.
move=> oA; have [r0 r1 r01 c0] := orth2 oA.
set a := A 0 0 in r0 r1 r01 c0; set b := A 0 1 in r0 r1 r01 c0.
set c := A 1 0 in r0 r1 r01 c0; set e := A 1 1 in r0 r1 r01 c0.
have l1E x : l1 (A *m x) ^+ 2 = sqn x + 2 * `|(A *m x) 0 0 * (A *m x) 1 0|.
  rewrite -(orth_sqn x oA) l1_2 sqn2 normrM; move: ((A *m x) 0 0) ((A *m x) 1 0) => y z.
  rewrite -[y ^+ 2]real_normK ?num_real // -[z ^+ 2]real_normK ?num_real //.
  by rewrite sqrrD -mulr_natl addrAC.
rewrite !l1E !sqn_col2 !mul_col2 -/a -/b -/c -/e.
set p := (a * 1 + b * -2) * (c * 1 + e * -2); set q := (a * -2 + b * 1) * (c * -2 + e * 1).
have bound : `|p| + `|q| <= 4%:R.
  have sum : p + q = - 4%:R * (a * e + b * c) + 5%:R * (a * c + b * e) by rewrite /p /q; ring.
  have dif : p - q = - 6%:R * (a * c) + 3%:R * (a * c + b * e) by rewrite /p /q; ring.
  apply: norm2_le; rewrite ?sum ?dif r01 mulr0 addr0 normrM normrN normr_nat.
    rewrite ler_pimulr ?ler0n // ler_norml -subr_ge0 -[X in _ && X]subr_ge0.
    have two : 0 <= 2^-1 :> R by rewrite invr_ge0 ler0n.
    have s1 : a * e + b * c - -1 = 2^-1 * ((a + e) ^+ 2 + (b + c) ^+ 2) + (1 - 2^-1 * ((a ^+ 2 + b ^+ 2) + (c ^+ 2 + e ^+ 2))) by field.
    have s2 : 1 - (a * e + b * c) = 2^-1 * ((a - e) ^+ 2 + (b - c) ^+ 2) + (1 - 2^-1 * ((a ^+ 2 + b ^+ 2) + (c ^+ 2 + e ^+ 2))) by field.
    have h : 1 - 2^-1 * (1 + 1) = 0 :> R by field.
    rewrite s1 s2 r0 r1 h !addr0; apply/andP.
    by split; apply: mulr_ge0 => //; apply: addr_ge0; exact: sqr_ge0.
  have ac : `|a * c| <= 2^-1.
    rewrite ler_norml -subr_ge0 -[X in _ && X]subr_ge0.
    have two : 0 <= 2^-1 :> R by rewrite invr_ge0 ler0n.
    have s1 : a * c - - 2^-1 = 2^-1 * (a + c) ^+ 2 + 2^-1 * (1 - (a ^+ 2 + c ^+ 2)) by field.
    have s2 : 2^-1 - a * c = 2^-1 * (a - c) ^+ 2 + 2^-1 * (1 - (a ^+ 2 + c ^+ 2)) by field.
    rewrite s1 s2 c0 subrr mulr0 !addr0; apply/andP.
    by split; apply: mulr_ge0 => //; exact: sqr_ge0.
  apply: (le_trans (ler_wpmul2l (ler0n _ _) ac)).
  have -> : 6%:R * 2^-1 = 3%:R :> R by field.
  by rewrite ler_nat.
have -> : 18%:R = 10%:R + 2 * 4%:R :> R by ring.
have -> : 1 ^+ 2 + (-2) ^+ 2 + 2 * `|p| + ((-2) ^+ 2 + 1 ^+ 2 + 2 * `|q|) = 10%:R + 2 * (`|p| + `|q|) :> R by ring.
by rewrite ler_add2l ler_wpmul2l ?ler0n.
Qed.

Lemma scale_stack a x y z : stack (a *: x) (a *: y) (a *: z) = a *: stack x y z.
Proof. by apply/matrixP=> n j; rewrite !mxE; case: (n == 0); case: (n == 1); rewrite mxE. Qed.

Lemma mean_cosine_stack x y z : mean_cosine (stack x y z) = (cosine x + cosine y + cosine z) / 3.
Proof. by rewrite /mean_cosine sum_stack. Qed.

Lemma beta_E_stack x y z : beta_E (stack x y z) =
  (l1 x ^+ 2 + l1 y ^+ 2 + l1 z ^+ 2) / (2 * (sqn x + sqn y + sqn z)).
Proof. by rewrite /beta_E (sum_stack (fun x => l1 x ^+ 2)) sum_stack. Qed.

Lemma beta_pool_stack x y z : beta_pool (stack x y z) =
  (l1 x + l1 y + l1 z) ^+ 2 / (6%:R * (sqn x + sqn y + sqn z)).
Proof. by rewrite /beta_pool total_l1E frobE !sum_stack -natrM. Qed.

(* The example: three sign vectors. *)
Definition signs3 := stack (col2 1 1) (col2 1 (-1)) (col2 (-1) 1).

Lemma mean_signs3 : mean_key signs3 = col2 3^-1 3^-1.
Proof.
apply/colP=> j; rewrite !mxE !big_ord_recl big_ord0 !mxE /=.
by case: (j == 0); field.
Qed.

Lemma centered_signs3 :
  centered signs3 = stack ((2 / 3) *: col2 1 1) ((2 / 3) *: col2 1 (-2)) ((2 / 3) *: col2 (-2) 1).
Proof.
apply/matrixP=> n j; rewrite /centered mean_signs3 !mxE.
by case: (n == 0); case: (n == 1); rewrite !mxE; case: (j == 0); field.
Qed.

Lemma sqrt4 : Num.sqrt 4%:R = 2 :> R.
Proof. by rewrite (_ : 4%:R = 2 ^+ 2 :> R) ?sqrtr_sqr ?normr_nat //; ring. Qed.

(* DC-3 (i). Before centering, the three keys are perfect with no rotation: all aggregates are 1. *)
Theorem DC_3_a_raw_is_perfect :
  [/\ mean_cosine signs3 = 1, beta_E signs3 = 1 & beta_pool signs3 = 1].
Proof.
have n1 : `|-1| = 1 :> R by rewrite normrN normr1.
have c (x : 'cV[R]_2) : l1 x = 2 -> sqn x = 2 -> cosine x = 1.
  by move=> x1 x2; rewrite /cosine x1 /l2 x2 -expr2 sqr_sqrtr ?ler0n // divff ?pnatr_eq0.
have l a b : `|a| = 1 :> R -> `|b| = 1 :> R -> l1 (col2 a b) = 2.
  by move=> a1 b1; rewrite l1_col2 a1 b1.
have s a b : `|a| = 1 :> R -> `|b| = 1 :> R -> sqn (col2 a b) = 2.
  by move=> a1 b1; rewrite sqn_col2 -[a ^+ 2]real_normK ?num_real // -[b ^+ 2]real_normK ?num_real // a1 b1 expr1n.
rewrite mean_cosine_stack beta_E_stack beta_pool_stack !l ?normr1 // !s ?normr1 //.
rewrite !c ?l ?s ?normr1 //.
by split; field.
Qed.

(* DC-3 (i). After the mean, which is not zero, is removed, no rotation brings them back: the best *)
(* beta_E is 11/12, the best pooled ratio 8/9 and the best mean cosine (1 + 6/sqrt 10)/3 = 0.9658,  *)
(* all three reached without a rotation. So the supremum of beta over all rotations can fall when  *)
(* the mean is removed, for each of the three readings of beta.                                    *)
Theorem DC_3_b_centering_lowers_the_best : mean_key signs3 != 0 /\
  [/\ forall A, orthogonal A -> beta_E (regauge A (centered signs3)) <= 11%:R / 12%:R,
      forall A, orthogonal A -> beta_pool (regauge A (centered signs3)) <= 8%:R / 9%:R &
      forall A, orthogonal A ->
        mean_cosine (regauge A (centered signs3)) <= (1 + 6%:R / Num.sqrt 10%:R) / 3] /\
  [/\ beta_E (centered signs3) = 11%:R / 12%:R, beta_pool (centered signs3) = 8%:R / 9%:R &
      mean_cosine (centered signs3) = (1 + 6%:R / Num.sqrt 10%:R) / 3].
Proof.
have nz : mean_key signs3 != 0.
  rewrite mean_signs3 -sqn_eq0 sqn_col2 -mulr2n mulrn_eq0 /= sqrf_eq0 invr_eq0.
  by rewrite pnatr_eq0.
have s0 : 2 / 3 != 0 :> R by rewrite mulf_neq0 ?invr_eq0 ?pnatr_eq0.
have s1 : `|2 / 3| = 2 / 3 :> R by rewrite ger0_norm // divr_ge0 ?ler0n.
have ten : 0 < Num.sqrt 10%:R :> R by rewrite sqrtr_gt0 ltr0n.
pose u := col2 1 1; pose v := col2 1 (-2); pose w := col2 (-2) 1.
have su : sqn u = 2 by rewrite sqn_col2 expr1n.
have sv : sqn v = 5%:R by rewrite sqn_col2; ring.
have sw : sqn w = 5%:R by rewrite sqn_col2; ring.
have E A : orthogonal A -> beta_E (regauge A (centered signs3)) =
    (l1 (A *m u) ^+ 2 + (l1 (A *m v) ^+ 2 + l1 (A *m w) ^+ 2)) / 24%:R.
  move=> oA; rewrite centered_signs3 regauge_stack !mulZ beta_E_stack !l1Z !sqnZ !orth_sqn //.
  by rewrite s1 -/u -/v -/w su sv sw; field.
have pool A : orthogonal A -> beta_pool (regauge A (centered signs3)) =
    (l1 (A *m u) + (l1 (A *m v) + l1 (A *m w))) ^+ 2 / 72%:R.
  move=> oA; rewrite centered_signs3 regauge_stack !mulZ beta_pool_stack !l1Z !sqnZ !orth_sqn //.
  by rewrite s1 -/u -/v -/w su sv sw; field.
have cos_u A : orthogonal A -> cosine (A *m u) = l1 (A *m u) / 2.
  by move=> oA; rewrite /cosine orth_l2 // /l2 su -expr2 sqr_sqrtr ?ler0n.
have cos_v A x : orthogonal A -> sqn x = 5%:R -> cosine (A *m x) = l1 (A *m x) / Num.sqrt 10%:R.
  move=> oA sx; rewrite /cosine orth_l2 // /l2 sx -sqrtrM ?ler0n //.
  by rewrite -natrM.
have mc A : orthogonal A -> mean_cosine (regauge A (centered signs3)) =
    (l1 (A *m u) / 2 + (l1 (A *m v) + l1 (A *m w)) / Num.sqrt 10%:R) / 3.
  move=> oA; rewrite centered_signs3 regauge_stack !mulZ mean_cosine_stack !cosineZ //.
  by rewrite cos_u // (cos_v A v) // (cos_v A w) // -addrA -mulrDl.
have lu A : orthogonal A -> l1 (A *m u) <= 2.
  move=> oA; rewrite -ler_sqr ?nnegrE ?l1_ge0 ?ler0n //.
  by apply: le_trans (l1_sqr_le _) _; rewrite orth_sqn // su expr2.
have lvw A : orthogonal A -> l1 (A *m v) + l1 (A *m w) <= 6%:R.
  move=> oA; rewrite -ler_sqr ?nnegrE ?addr_ge0 ?l1_ge0 ?ler0n //.
  have := pair_bound oA; rewrite -/v -/w; set x := l1 (A *m v); set y := l1 (A *m w) => xy.
  rewrite -subr_ge0; have -> : 6%:R ^+ 2 - (x + y) ^+ 2 =
    2 * (18%:R - (x ^+ 2 + y ^+ 2)) + (x - y) ^+ 2 by ring.
  by rewrite addr_ge0 ?sqr_ge0 // mulr_ge0 ?ler0n ?subr_ge0.
have u1 : l1 u = 2 by rewrite l1_col2 normr1.
have v1 : l1 v = 3%:R by rewrite l1_col2 normrN normr1 normr_nat; ring.
have w1 : l1 w = 3%:R by rewrite l1_col2 normrN normr1 normr_nat; ring.
have o1 : orthogonal (1%:M : 'M[R]_2) := orth1 _ _.
split=> //; split; split.
- move=> A oA; rewrite E // ler_pdivr_mulr ?ltr0n //.
  have -> : 11%:R / 12%:R * 24%:R = 2 ^+ 2 + 18%:R :> R by field.
  apply: ler_add; last exact: pair_bound.
  by rewrite ler_sqr ?nnegrE ?l1_ge0 ?ler0n ?lu.
- move=> A oA; rewrite pool // ler_pdivr_mulr ?ltr0n //.
  have -> : 8%:R / 9%:R * 72%:R = (2 + 6%:R) ^+ 2 :> R by field.
  rewrite ler_sqr ?nnegrE ?addr_ge0 ?l1_ge0 ?ler0n ?ler01 //.
  by apply: ler_add; [exact: lu|exact: lvw].
- move=> A oA; rewrite mc // ler_wpmul2r ?invr_ge0 ?ler0n //.
  apply: ler_add; last by apply: ler_wpmul2r; [rewrite invr_ge0 ltW|exact: lvw].
  by rewrite ler_pdivr_mulr ?ltr0n // mul1r lu.
- by rewrite -(regauge1 (centered signs3)) E // !mul1mx u1 v1 w1; field.
- by rewrite -(regauge1 (centered signs3)) pool // !mul1mx u1 v1 w1; field.
- rewrite -[in LHS](regauge1 (centered signs3)) mc // !mul1mx u1 v1 w1.
  by rewrite divff ?pnatr_eq0 // -natrD.
Qed.

(* DC-3 (i). The three best values after centering are below 1; the last lies in (0.96, 0.97). *)
Theorem DC_3_c_strictly_lower :
  [/\ 11%:R / 12%:R < 1 :> R, 8%:R / 9%:R < 1 :> R &
      96%:R / 100%:R < (1 + 6%:R / Num.sqrt 10%:R) / (3 : R) < 97%:R / 100%:R].
Proof.
have frac a b c e : (0 < b)%N -> (0 < e)%N -> (a * e < c * b)%N -> a%:R / b%:R < c%:R / e%:R :> R.
  exact: ltr_nat_frac.
have one (n : nat) : (0 < n)%N -> 1 = n%:R / n%:R :> R by move=> n0; rewrite divff // pnatr_eq0 -lt0n.
set r := Num.sqrt 10%:R; have r0 : 0 < r by rewrite sqrtr_gt0 ltr0n.
have r2 : r ^+ 2 = 10%:R by rewrite sqr_sqrtr ?ler0n.
have lo : 60%:R / 19%:R < r.
  rewrite -ltr_sqr ?nnegrE ?divr_ge0 ?ler0n ?ltW // r2 expr_div_n ltr_pdivr_mulr ?exprn_gt0 ?ltr0n //.
  by rewrite -!natrX -natrM ltr_nat.
have hi : r < 19%:R / 6%:R.
  rewrite -ltr_sqr ?nnegrE ?divr_ge0 ?ler0n ?ltW // r2 expr_div_n ltr_pdivl_mulr ?exprn_gt0 ?ltr0n //.
  by rewrite -!natrX -natrM ltr_nat.
split; [by rewrite [X in _ < X](one 1%N) //; exact: frac|by rewrite [X in _ < X](one 1%N) //; exact: frac|].
apply/andP; split.
  apply: (@lt_trans _ _ (55%:R / 57%:R)); first exact: frac.
  have -> : 55%:R / 57%:R = (1 + 36%:R / 19%:R) / 3 :> R by field.
  rewrite ltr_pmul2r ?invr_gt0 ?ltr0n // ltr_add2l ltr_pdivl_mulr //.
  have -> : 6%:R = 36%:R / 19%:R * (19%:R / 6%:R) :> R by field.
  by rewrite ltr_pmul2l // divr_gt0 ?ltr0n.
apply: (@lt_trans _ _ (29%:R / 30%:R)); last exact: frac.
have -> : 29%:R / 30%:R = (1 + 19%:R / 10%:R) / 3 :> R by field.
rewrite ltr_pmul2r ?invr_gt0 ?ltr0n // ltr_add2l ltr_pdivr_mulr //.
have -> : 6%:R = 19%:R / 10%:R * (60%:R / 19%:R) :> R by field.
by rewrite ltr_pmul2l // divr_gt0 ?ltr0n.
Qed.

(* DC-3 (ii). The keys (1,1) and (1,-1) have a nonzero mean; all cosines are 1 before centering, *)
(* and 1 again after it in the gauge turned by 45 degrees: a nonzero mean need not give a strict  *)
(* gain. (Cosines never exceed 1.)                                                               *)
Definition signs2 : 'M[R]_2 := \matrix_(n, j) if (n == 1) && (j == 1) then -1 else 1.
Definition turn45 : 'M[R]_2 :=
  \matrix_(i, j) if (i == 1) && (j == 1) then - (Num.sqrt 2)^-1 else (Num.sqrt 2)^-1.

Theorem DC_3_d_nonzero_mean_without_gain :
  [/\ mean_key signs2 != 0, forall n, cosine (key signs2 n) = 1, orthogonal turn45 &
      forall n, cosine (turn45 *m key (centered signs2) n) = 1].
Proof.
have s0 : Num.sqrt 2 != 0 :> R by rewrite gt_eqF // sqrtr_gt0 ltr0n.
have s2 : Num.sqrt 2 ^+ 2 = 2 :> R by rewrite sqr_sqrtr ?ler0n.
have one : lift ord0 (ord0 : 'I_1) = 1 :> 'I_2 by apply: val_inj.
have c x : `|x 0 0| = `|x 1 0| -> x != 0 -> cosine x = 1.
  move=> x01 x0; apply/(JF_2_b_one_on_the_sign_lattice x0).
  have e i : `|x i 0| = `|x 0 0|.
    case: i => -[|[|//]] lt; [congr (`|x _ _|)|rewrite x01; congr (`|x _ _|)]; exact: val_inj.
  by move=> i j; rewrite !e.
have nz x : x 0 0 != 0 -> x != 0 by apply: contraNneq => ->; rewrite mxE.
have m0 : mean_key signs2 0 0 = 1.
  by rewrite mxE !big_ord_recl big_ord0 addr0 one !mxE /=; field.
have m1 : mean_key signs2 1 0 = 0.
  by rewrite mxE !big_ord_recl big_ord0 addr0 one !mxE /= subrr mul0r.
split.
- by apply: nz; rewrite m0 oner_eq0.
- move=> n; apply: c; first by rewrite !keyE !mxE andbF andbT; case: (n == 1); rewrite ?normrN.
  by apply: nz; rewrite keyE mxE andbF oner_eq0.
- apply: orth_mxE => i j; rewrite !big_ord_recl big_ord0 addr0 one !mxE /=.
  have -> : (i == j) = ((i == 1) == (j == 1)) by case: i => -[|[|//]] ?; case: j => -[|[|//]] ?.
  case: (i == 1); case: (j == 1) => /=; rewrite ?mulrNN ?mulrN ?mulNr ?subrr //.
    by rewrite -expr2 exprVn s2; field.
  by rewrite -expr2 exprVn s2; field.
move=> n; set x := key _ n; have x0 : x 0 0 = 0.
  by rewrite /x keyE mxE m0 mxE andbF subrr.
have x1 : x 1 0 != 0.
  by rewrite /x keyE mxE m1 subr0 mxE andbT; case: (n == 1); rewrite ?oppr_eq0 oner_eq0.
have y i : (turn45 *m x) i 0 = turn45 i 1 * x 1 0.
  by rewrite mxE !big_ord_recl big_ord0 addr0 one x0 mulr0 add0r.
apply: c; first by rewrite !y !mxE /= !normrM normrN.
by apply: nz; rewrite y mxE mulf_neq0 ?invr_eq0.
Qed.
(* Keys of cosine 1 and of one length have all three aggregates 1. *)
Lemma perfect_aggregates d N (K : 'M[R]_(N, d)) : K != 0 -> (forall n, cosine (key K n) = 1) ->
  (forall n m, l1 (key K n) = l1 (key K m)) ->
  [/\ mean_cosine K = 1, beta_E K = 1 & beta_pool K = 1].
Proof.
move=> K0 c1 same; have [N0 d0] := dims_gt0 K0; have N1 := lt0r_neq0 N0; have d1 := lt0r_neq0 d0.
have f0 := lt0r_neq0 (frob_gt0 K0).
have e : beta_E K = 1.
  have sq n : l1 (key K n) ^+ 2 = d%:R * sqn (key K n).
    have x0 : key K n != 0.
      apply: contra_eq_neq (c1 n) => ->; rewrite /cosine /l1 big1 ?mul0r => [|i _]; last by rewrite mxE normr0.
      by rewrite eq_sym oner_eq0.
    by rewrite -(cosine_l1 x0) c1 mul1r exprMn l2_sqr sqr_sqrt_dim.
  rewrite /beta_E (eq_bigr _ (fun n _ => sq n)) -mulr_sumr divff // mulf_neq0 //.
  by rewrite -frobE.
split=> //; first by rewrite /mean_cosine (eq_bigr _ (fun n _ => c1 n)) sumr_cst card_ord mulr1 divff.
by rewrite -e; apply/(JF_7_a_pool_le_E K0).2.
Qed.

(* DC-3 (ii). So all three aggregates are 1 before centering, and 1 after it in that gauge. *)
Theorem DC_3_f_aggregates_without_gain :
  [/\ mean_cosine signs2 = 1, beta_E signs2 = 1 & beta_pool signs2 = 1] /\
  let K := regauge turn45 (centered signs2) in
  [/\ mean_cosine K = 1, beta_E K = 1 & beta_pool K = 1].
Proof.
have [_ raw oT cen] := DC_3_d_nonzero_mean_without_gain.
have one : lift ord0 (ord0 : 'I_1) = 1 :> 'I_2 by apply: val_inj.
have m0 : mean_key signs2 0 0 = 1 by rewrite mxE !big_ord_recl big_ord0 addr0 one !mxE /=; field.
have m1 : mean_key signs2 1 0 = 0.
  by rewrite mxE !big_ord_recl big_ord0 addr0 one !mxE /= subrr mul0r.
have nz (x : 'cV[R]_2) : cosine x = 1 -> x != 0.
  apply: contra_eq_neq => ->; rewrite /cosine /l1 big1 ?mul0r => [|i _]; last by rewrite mxE normr0.
  by rewrite eq_sym oner_eq0.
have kz (K : 'M[R]_2) : cosine (key K 0) = 1 -> K != 0.
  by move/nz; apply: contraNneq => ->; apply/eqP/colP=> i; rewrite keyE !mxE.
have l1s (x y : 'cV[R]_2) : cosine x = 1 -> cosine y = 1 -> sqn x = sqn y -> l1 x = l1 y.
  by move=> x1 y1 xy; rewrite -(cosine_l1 (nz _ x1)) -(cosine_l1 (nz _ y1)) x1 y1 /l2 xy.
split; last first.
  move=> K; have cK n : cosine (key K n) = 1 by rewrite /K key_regauge cen.
  apply: perfect_aggregates => [||n m]; [exact: kz|exact: cK|apply: l1s => //].
  have s n' : sqn (key K n') = 1.
    have e i : centered signs2 n' i = signs2 n' i - mean_key signs2 i 0 by rewrite mxE.
    rewrite /K key_regauge orth_sqn // sqn2 !keyE !e m0 m1 [signs2 _ 0]mxE [signs2 _ 1]mxE.
    rewrite andbF andbT subrr subr0 expr0n add0r.
    by case: (n' == 1); rewrite ?sqrrN expr1n.
  by rewrite !s.
apply: perfect_aggregates => [||n m]; [exact: kz|exact: raw|apply: l1s => //].
have s n' : sqn (key signs2 n') = 2.
  rewrite sqn2 !keyE !mxE andbF andbT expr1n.
  by case: (n' == 1); rewrite ?sqrrN expr1n.
by rewrite !s.
Qed.
End ThreeKeys.
