(* DC-3 (iii): removing from every key the mean of its own coordinates can lower the best 1-bit   *)
(* cosine over all rotations.                                                                      *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From Routegauge Require Import Vectors JensenFloor.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* Three coordinates, the mean of its own coordinates removed from every sign vector. *)
Section PerKeyCentering.
Variable R : rcfType.
Implicit Types x y s t : 'cV[R]_3.

Lemma cauchy_schwarz d (x y : 'cV[R]_d) : dot x y ^+ 2 <= sqn x * sqn y.
Proof.
have [->|y0] := eqVneq y 0.
  by rewrite /dot mulmx0 mxE expr0n /= mulr_ge0 ?sqn_ge0.
have y1 : 0 < sqn y by rewrite sqn_gt0.
have := sqn_ge0 (sqn y *: x - dot x y *: y).
rewrite sqnB !sqnZ dotZl dotZr.
have -> : sqn y ^+ 2 * sqn x - 2 * (sqn y * (dot x y * dot x y)) + dot x y ^+ 2 * sqn y =
  sqn y * (sqn x * sqn y - dot x y ^+ 2) by ring.
by rewrite pmulr_rge0 // subr_ge0.
Qed.

Lemma sum3 (F : 'I_3 -> R) : \sum_i F i = F 0 + F 1 + F 2%:R.
Proof.
rewrite !big_ord_recl big_ord0 addr0 addrA.
by congr (_ + F _ + F _); exact: val_inj.
Qed.

(* Two vectors of squared norm 6 with product -3 cannot both lie near the sign lattice, where       *)
(* products of such vectors are even integers.                                                      *)
Lemma far_from_lattice x y : sqn x = 6%:R -> sqn y = 6%:R -> dot x y = - 3%:R ->
  cosine x + cosine y <= 2 - 144%:R^-1.
Proof.
move=> x6 y6 xy; have s1 := (sgn_sign_of x).1; have t1 := (sgn_sign_of y).1.
set s := sgn x in s1; set t := sgn y in t1; pose h : R := Num.sqrt 2.
have hh : h ^+ 2 = 2 by rewrite sqr_sqrtr ?ler0n.
have dist (z : 'cV[R]_3) : sqn z = 6%:R -> sqn (z - h *: sgn z) = 12%:R * (1 - cosine z).
  move=> z6; have z0 : z != 0 by rewrite -sqn_eq0 z6 pnatr_eq0.
  rewrite sqn_sub_pm1; last by case: (sgn_sign_of z).
  rewrite (dot_sign (sgn_sign_of z)) z6 hh -(cosine_l1 z0) /l2 z6.
  rewrite [X in cosine z * X](_ : _ = 3%:R * h); last first.
    have -> : 3%:R * h = Num.sqrt (3%:R ^+ 2 * 2) by rewrite sqrtrM ?sqr_ge0 // sqrtr_sqr normr_nat.
    by rewrite -sqrtrM ?ler0n //; congr (Num.sqrt _); rewrite -natrX -!natrM.
  have -> : 2 * h * (cosine z * (3%:R * h)) = 6%:R * h ^+ 2 * cosine z by ring.
  by rewrite hh; ring.
set p := x - h *: s; set q := y - h *: t.
have split_xy : dot x y - 2 * dot s t = dot p y + dot (h *: s) q.
  rewrite /p /q dotBl dotBr dotZl dotZr !dotZl.
  have -> : 2 * dot s t = h * (h * dot s t) by rewrite -hh; ring.
  by ring.
have gap : 1 <= (dot x y - 2 * dot s t) ^+ 2.
  have st i : s i 0 * t i 0 = 1 \/ s i 0 * t i 0 = -1.
    by case: (s1 i) => ->; case: (t1 i) => ->; rewrite ?mulrNN ?mulr1 ?mul1r; [left|right|right|left].
  have four (a : R) : a = 3%:R \/ a = 1 \/ a = -1 \/ a = - 3%:R -> 1 <= (- 3%:R - 2 * a) ^+ 2.
    case=> [->|[->|[->|->]]].
    - by have -> : (- 3%:R - 2 * 3%:R) ^+ 2 = 81%:R :> R by [ring]; rewrite ler1n.
    - by have -> : (- 3%:R - 2 * 1) ^+ 2 = 25%:R :> R by [ring]; rewrite ler1n.
    - by have -> : (- 3%:R - 2 * -1) ^+ 2 = 1 :> R by ring.
    - by have -> : (- 3%:R - 2 * - 3%:R) ^+ 2 = 9%:R :> R by [ring]; rewrite ler1n.
  rewrite xy; apply: four; rewrite dotE sum3.
  case: (st 0) => ->; case: (st 1) => ->; case: (st 2%:R) => ->.
  - by left; ring.
  - by right; left; ring.
  - by right; left; ring.
  - by right; right; left; ring.
  - by right; left; ring.
  - by right; right; left; ring.
  - by right; right; left; ring.
  - by right; right; right; ring.
have far : 1 <= 144%:R * ((1 - cosine x) + (1 - cosine y)).
  apply: le_trans gap _; rewrite split_xy; set a := dot p y; set b := dot (h *: s) q.
  have a2 : a ^+ 2 <= 72%:R * (1 - cosine x).
    apply: le_trans (cauchy_schwarz _ _) _; rewrite dist // y6.
    by have -> : 12%:R * (1 - cosine x) * 6%:R = 72%:R * (1 - cosine x) by ring.
  have b2 : b ^+ 2 <= 72%:R * (1 - cosine y).
    apply: le_trans (cauchy_schwarz _ _) _; rewrite dist // sqnZ hh (sqn_pm1 s1).
    by have -> : 2 * 3%:R * (12%:R * (1 - cosine y)) = 72%:R * (1 - cosine y) by ring.
  have -> : 144%:R * (1 - cosine x + (1 - cosine y)) =
    2 * (72%:R * (1 - cosine x)) + 2 * (72%:R * (1 - cosine y)) by ring.
  apply: (@le_trans _ _ (2 * a ^+ 2 + 2 * b ^+ 2)); last first.
    by apply: ler_add; apply: ler_wpmul2l; rewrite ?ler0n.
  rewrite -subr_ge0; have -> : 2 * a ^+ 2 + 2 * b ^+ 2 - (a + b) ^+ 2 = (a - b) ^+ 2 by ring.
  exact: sqr_ge0.
have pos : 0 < 144%:R :> R by rewrite ltr0n.
move: far; rewrite -ler_pdivr_mull // mulr1 => far.
rewrite ler_subr_addl -ler_subr_addr; apply: le_trans far _.
by have -> : 1 - cosine x + (1 - cosine y) = 2 - (cosine x + cosine y) by ring.
Qed.

Definition col3 (a b c : R) : 'cV[R]_3 := \col_i if i == 0 then a else if i == 1 then b else c.

(* DC-3 (iii). Every sign vector of three coordinates has 1-bit cosine 1. With the mean of its own   *)
(* coordinates removed it becomes zero or a multiple of one of three vectors; and no rotation gives  *)
(* these three a mean cosine above 1 - 1/288. So removing the per-key mean, too, lowers the best     *)
(* cosine strictly. (The catalogue has less than 1, by compactness; here is a bound.)                *)
Theorem DC_3_e_per_key_centering_lowers_the_best :
  [/\ forall s, pm1 s -> cosine s = 1,
      forall s, pm1 s -> let m := (\sum_i s i 0) / 3 in
        exists a, [\/ s - const_mx m = 0, s - const_mx m = a *: col3 1 1 (-2),
                    s - const_mx m = a *: col3 1 (-2) 1 | s - const_mx m = a *: col3 (-2) 1 1] &
      forall A : 'M[R]_3, orthogonal A ->
        (cosine (A *m col3 1 1 (-2)) + cosine (A *m col3 1 (-2) 1) + cosine (A *m col3 (-2) 1 1)) / 3
        <= 1 - 288%:R^-1].
Proof.
have ne10 : (1 == 0 :> 'I_3) = false by [].
have ne20 : (2%:R == 0 :> 'I_3) = false by [].
have ne21 : (2%:R == 1 :> 'I_3) = false by [].
have e (a b c : R) : [/\ col3 a b c 0 0 = a, col3 a b c 1 0 = b & col3 a b c 2%:R 0 = c].
  by rewrite !mxE.
have ext (x y : 'cV[R]_3) : x 0 0 = y 0 0 -> x 1 0 = y 1 0 -> x 2%:R 0 = y 2%:R 0 -> x = y.
  move=> e0 e1 e2; apply/colP=> i; case: i => -[|[|[|//]]] lt.
  - by rewrite (_ : Ordinal lt = 0) //; exact: val_inj.
  - by rewrite (_ : Ordinal lt = 1) //; exact: val_inj.
  - by rewrite (_ : Ordinal lt = 2%:R) //; exact: val_inj.
split=> [s s1|s s1 m|A oA].
- have s0 : s != 0 by rewrite -sqn_eq0 (sqn_pm1 s1) pnatr_eq0.
  by apply/(JF_2_b_one_on_the_sign_lattice s0) => i j; rewrite !(pm1_norm _ s1).
- have mE : m = (s 0 0 + s 1 0 + s 2%:R 0) / 3 by rewrite /m sum3.
  exists (if s 0 0 == s 1 0 then (s 0 0 - s 2%:R 0) / 3 else
          if s 0 0 == s 2%:R 0 then (s 0 0 - s 1 0) / 3 else (s 1 0 - s 0 0) / 3).
  have n11 : (1 == -1 :> R) = false by rewrite eq_sym -subr_eq0 -opprD oppr_eq0 -[1 + 1]/(2%:R) pnatr_eq0.
  have n11' : (-1 == 1 :> R) = false by rewrite eq_sym.
  case: (s1 0) => a0; case: (s1 1) => a1; case: (s1 2%:R) => a2; rewrite a0 a1 a2 ?eqxx ?n11 ?n11'.
  - by constructor 1; apply: ext; rewrite !mxE ?mE a0 a1 a2; field.
  - by constructor 2; apply: ext; rewrite !mxE ?mE a0 a1 a2 /=; field.
  - by constructor 3; apply: ext; rewrite !mxE ?mE a0 a1 a2 /=; field.
  - by constructor 4; apply: ext; rewrite !mxE ?mE a0 a1 a2 /=; field.
  - by constructor 4; apply: ext; rewrite !mxE ?mE a0 a1 a2 /=; field.
  - by constructor 3; apply: ext; rewrite !mxE ?mE a0 a1 a2 /=; field.
  - by constructor 2; apply: ext; rewrite !mxE ?mE a0 a1 a2 /=; field.
  - by constructor 1; apply: ext; rewrite !mxE ?mE a0 a1 a2; field.
set u := col3 1 1 (-2); set v := col3 1 (-2) 1; set w := col3 (-2) 1 1.
have n6 (a b c : R) : sqn (col3 a b c) = a ^+ 2 + b ^+ 2 + c ^+ 2.
  by rewrite /sqn sum3; case: (e a b c) => -> -> ->.
have dt (a b c a' b' c' : R) : dot (col3 a b c) (col3 a' b' c') = a * a' + b * b' + c * c'.
  by rewrite dotE sum3; case: (e a b c) => -> -> ->; case: (e a' b' c') => -> -> ->.
have u6 : sqn (A *m u) = 6%:R by rewrite orth_sqn // n6; ring.
have v6 : sqn (A *m v) = 6%:R by rewrite orth_sqn // n6; ring.
have w6 : sqn (A *m w) = 6%:R by rewrite orth_sqn // n6; ring.
have uv : dot (A *m u) (A *m v) = - 3%:R by rewrite orth_dot // dt; ring.
have vw : dot (A *m v) (A *m w) = - 3%:R by rewrite orth_dot // dt; ring.
have uw : dot (A *m u) (A *m w) = - 3%:R by rewrite orth_dot // dt; ring.
have := ler_add (ler_add (far_from_lattice u6 v6 uv) (far_from_lattice v6 w6 vw)) (far_from_lattice u6 w6 uw).
set a := cosine _; set b := cosine _; set c := cosine _ => sum_le.
have six : 0 < 6%:R^-1 :> R by rewrite invr_gt0 ltr0n.
rewrite (_ : (a + b + c) / 3 = 6%:R^-1 * (a + b + (b + c) + (a + c))); last by field.
rewrite (_ : 1 - 288%:R^-1 = 6%:R^-1 * (2 - 144%:R^-1 + (2 - 144%:R^-1) + (2 - 144%:R^-1))); last by field.
by rewrite ler_pmul2l.
Qed.
End PerKeyCentering.
