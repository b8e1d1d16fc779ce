(* LH-2 over all rotations: beta to fourth order around a point of the sign lattice.
   Rotations near the identity are Cayley transforms of skew matrices. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct OneBit GaugeSearch Cayley Heads.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Lattice.
Variables (R : rcfType) (d : nat).
Hypothesis d0 : (0 < d)%N.
Implicit Types (A B : 'M[R]_d) (s v x : 'cV[R]_d).
Add Field lattice_field : (mc_field_theory R).

(* The unit vector of a sign pattern. *)
Definition lattice s : 'cV[R]_d := (Num.sqrt d%:R)^-1 *: s.

Lemma root_gt0 : 0 < Num.sqrt d%:R :> R.
Proof. by rewrite sqrtr_gt0 ltr0n. Qed.

Lemma lattice_unit s : (forall i, `|s i 0| = 1) -> dot (lattice s) (lattice s) = 1.
Proof.
move=> s1; rewrite dotZl dotZr; have -> : dot s s = d%:R.
  rewrite /dot (eq_bigr (fun=> 1)) => [|i _]; first by rewrite sumr_const card_ord.
  by rewrite -expr2 -(real_normK (num_real (s i 0))) s1 expr1n.
have := sqr_sqrtr (ler0n R d); move: (Num.sqrt _) (lt0r_neq0 root_gt0) => r r0 <-.
by mfield R; apply/eqP.
Qed.

(* The cosine with the lattice point, to fourth order. *)
Lemma cosine_expansion A x : skew A -> dot x x = 1 ->
  `|dot x (cayley A *m x) - (1 - dot (A *m x) (A *m x) / 2%:R)| <=
  8%:R^-1 * norm (A *m A *m A *m A *m x).
Proof.
move=> sk x1; have sU := minus_half_unit sk.
have inv4 : invmx (minus_half A) *m (A *m A *m A) =
    A *m A *m A + invmx (minus_half A) *m (2%:R^-1 *: (A *m A *m A *m A)).
  apply: (can_inj (mulKmx sU)); rewrite mulmxDr !mulKVmx //.
  by rewrite /minus_half mulmxBl mul1mx -scalemxAl !mulmxA subrK.
have odd : dot x (A *m A *m A *m x) = 0.
  have sk3 : skew (A *m A *m A) by rewrite /skew !trmx_mul sk !(mulNmx, mulmxN) opprK mulmxA.
  exact: skew_dot.
have even : dot x (A *m A *m x) = - dot (A *m x) (A *m x).
  by rewrite dot_mulmxl sk mulNmx dotNr opprK mulmxA.
have -> : dot x (cayley A *m x) - (1 - dot (A *m x) (A *m x) / 2%:R) =
    8%:R^-1 * dot x (invmx (minus_half A) *m (A *m A *m A *m A *m x)).
  rewrite cayley_order3 // -scalemxAr inv4 -scalemxAr scalerDr scalerA !mulmxDl mul1mx -!scalemxAl.
  rewrite !(dotDr, dotZr) x1 skew_dot // odd even.
  rewrite [in RHS]mulmxA; move: (dot (A *m x) _) (dot x _) => h r.
  have -> : 8%:R^-1 = 2%:R^-1 ^+ 2 / 2%:R :> R by rewrite -exprSr exprVn -natrX.
  by mring R.
rewrite normrM ger0_norm ?invr_ge0 ?ler0n // ler_wpmul2l ?invr_ge0 ?ler0n //.
apply: le_trans (cauchy_schwarz _ _) _.
rewrite {1}/norm x1 sqrtr1 mul1r; exact: inv_minus_half_norm.
Qed.

(* LH-2. (d) For skew A so small that no sign changes, beta at the rotated lattice
   point is 1 - |A k0|^2 up to (|A k0|^4 + |A^4 k0|)/4, a term of fourth order. *)
Theorem LH_2_d_expansion_at_the_lattice A s : skew A -> (forall i, `|s i 0| = 1) ->
  norm (A *m lattice s) <= (Num.sqrt d%:R)^-1 ->
  `|beta (cayley A *m lattice s) - (1 - norm (A *m lattice s) ^+ 2)| <=
  (norm (A *m lattice s) ^+ 4 + norm (A *m A *m A *m A *m lattice s)) / 4%:R.
Proof.
move=> sk s1 small; set x := lattice s; set Q := cayley A.
have x1 : dot x x = 1 := lattice_unit s1.
have oQ : orthogonal Q := cayley_orth sk.
have r0 := root_gt0; have rr : Num.sqrt d%:R * Num.sqrt d%:R = d%:R :> R.
  by rewrite -expr2 sqr_sqrtr ?ler0n.
have xE i : x i 0 = (Num.sqrt d%:R)^-1 * s i 0 by rewrite /x /lattice mxE.
have sx i : s i 0 * x i 0 = (Num.sqrt d%:R)^-1.
  rewrite xE mulrCA -expr2 -(real_normK (num_real (s i 0))) s1 expr1n.
  exact: mulr1.
have signs i : `|(Q *m x) i 0| = s i 0 * (Q *m x) i 0.
  have near : `|(Q *m x) i 0 - x i 0| <= (Num.sqrt d%:R)^-1.
    have -> : (Q *m x) i 0 - x i 0 = (invmx (minus_half A) *m (A *m x)) i 0.
      by rewrite /Q cayley_order1 // mulmxDl mul1mx mxE addrC addKr -mulmxA.
    apply: le_trans small; apply: le_trans (inv_minus_half_norm _ sk).
    exact: entry_le_norm.
  have ge : 0 <= s i 0 * (Q *m x) i 0.
    have -> : s i 0 * (Q *m x) i 0 = (Num.sqrt d%:R)^-1 + s i 0 * ((Q *m x) i 0 - x i 0).
      by rewrite mulrBr sx addrC subrK.
    rewrite -[X in _ + X]opprK subr_ge0; apply: le_trans near.
    by rewrite -[X in _ <= X]mul1r -(s1 i) -normrM -normrN ler_norm.
  by rewrite -(ger0_norm ge) normrM s1 mul1r.
set c := dot x (Q *m x).
have l1E : l1 (Q *m x) = Num.sqrt d%:R * c.
  rewrite /l1 /c /dot mulr_sumr; apply: eq_bigr => i _; rewrite signs.
  by rewrite xE !mulrA divff ?mul1r // gt_eqF.
have bE : beta (Q *m x) = c ^+ 2.
  rewrite /beta l1E orth_dot // x1 mulr1 exprMn expr2 rr mulrAC divff ?mul1r //.
  by rewrite pnatr_eq0 -lt0n.
have := cosine_expansion sk x1; rewrite -/Q -/c bE norm_sqr.
set h := dot (A *m x) (A *m x); set r := c - (1 - h / 2%:R); set b4 := norm _ => hr.
have hn : norm (A *m x) ^+ 2 = h by apply: norm_sqr.
have h0 : 0 <= h by apply: dot_ge0.
have h1 : h <= 1.
  rewrite -hn -(expr1n _ 2) ler_pexpn2r ?nnegrE ?norm_ge0 ?ler01 //.
  apply: le_trans small _; rewrite invf_le1 //.
  by rewrite -[X in X <= _]sqrtr1 ler_wsqrtr // ler1n.
have c1 : `|c| <= 1.
  apply: le_trans (cauchy_schwarz _ _) _; rewrite orth_norm // -expr2 norm_sqr x1 //.
have u1 : `|1 - h / 2%:R| <= 1.
  have hh : 0 <= h / 2%:R by rewrite divr_ge0 ?ler0n.
  have hh1 : h / 2%:R <= 1.
    by rewrite ler_pdivr_mulr ?ltr0n // mul1r (le_trans h1) // ler1n.
  by rewrite ger0_norm ?subr_ge0 // ler_subl_addr ler_addl.
have -> : c ^+ 2 - (1 - h) = h ^+ 2 / 4%:R + r * ((1 - h / 2%:R) + c).
  have two : h = h / 2%:R + h / 2%:R by rewrite -splitr.
  have four : h ^+ 2 / 4%:R = (h / 2%:R) * (h / 2%:R) by rewrite expr2 mulf_div -natrM.
  have aux (g b : R) : b ^+ 2 - (1 - (g + g)) = g * g + (b - (1 - g)) * (1 - g + b).
    by mring R.
  by rewrite four /r {1}two; exact: aux.
have -> : norm (A *m x) ^+ 4 = h ^+ 2 by rewrite -hn -exprM.
rewrite mulrDl; apply: le_trans (ler_norm_add _ _) _; apply: ler_add.
  by rewrite ger0_norm // divr_ge0 ?sqr_ge0 ?ler0n.
rewrite normrM; apply: (@le_trans _ _ (8%:R^-1 * b4 * 2%:R)).
  apply: ler_pmul; rewrite ?normr_ge0 //; apply: le_trans (ler_norm_add _ _) _.
  by rewrite [2%:R]mulr2n ler_add.
have -> : 8%:R = 4%:R * 2%:R :> R by rewrite -natrM.
by rewrite invfM mulrAC -(mulrA 4%:R^-1) mulVf ?pnatr_eq0 // mulr1 mulrC.
Qed.

Definition inner A B : R := 2%:R^-1 * \tr (A^T *m B).
(* The skew matrix that moves x towards v. *)
Definition towards x v : 'M[R]_d := v *m x^T - x *m v^T.

Lemma trace_outer v x : \tr (v *m x^T) = dot x v.
Proof. by rewrite mxtrace_mulC -dotE /mxtrace big_ord1. Qed.

(* LH-2. (e) The form -2 |A k0|^2 has the skew matrices with A k0 = 0 as its kernel;
   A -> A k0 maps skew matrices onto the hyperplane orthogonal to k0; and on the
   complement of the kernel, the matrices that move k0 towards some v of that
   hyperplane, |A k0|^2 is the squared length <A, A>, so the curvature is -2. *)
Theorem LH_2_e_kernel_and_complement x : dot x x = 1 ->
  [/\ forall A, skew A -> dot x (A *m x) = 0,
      forall v, dot x v = 0 -> skew (towards x v) /\ towards x v *m x = v,
      forall v, dot x v = 0 -> dot v v = inner (towards x v) (towards x v) &
      forall A v, skew A -> A *m x = 0 -> inner A (towards x v) = 0].
Proof.
move=> x1; have sc (y z : 'cV[R]_d) : y^T *m z = (dot y z)%:M.
  by rewrite [LHS]mx11_scalar dotE.
have skT v : skew (towards x v).
  by rewrite /skew /towards linearB /= !trmx_mul !trmxK opprB.
have act v : dot x v = 0 -> towards x v *m x = v.
  move=> xv; rewrite /towards mulmxBl -!mulmxA !sc x1 (dotC v x) xv.
  by rewrite !mul_mx_scalar scale1r scale0r subr0.
split=> [A|v xv|v xv|A v sk Ax].
- exact: skew_dot.
- by split; [apply: skT | apply: act].
- have Wv : towards x v *m v = - (dot v v *: x).
    by rewrite /towards mulmxBl -!mulmxA !sc xv !mul_mx_scalar scale0r sub0r.
  have WW : towards x v *m towards x v = - (dot v v *: (x *m x^T)) - v *m v^T.
    by rewrite {2}/towards mulmxBr !mulmxA Wv act // mulNmx -scalemxAl.
  rewrite /inner (skT v) mulNmx WW opprD !opprK raddfD /= mxtraceZ !trace_outer x1 mulr1.
  by rewrite -mulr2n -[dot v v *+ 2]mulr_natl mulrA mulVf ?mul1r // pnatr_eq0.
rewrite /inner sk mulNmx raddfN /= /towards mulmxBr !mulmxA Ax mul0mx subr0.
have -> : \tr (A *m v *m x^T) = 0; last by rewrite oppr0 mulr0.
by rewrite trace_outer dotC dot_mulmxl sk mulNmx Ax oppr0 dot0r.
Qed.

End Lattice.

Section Kernel.
Variables (R : rcfType) (n : nat).

(* LH-2. (f) In dimension d = n + 1 the kernel {A skew : A k0 = 0} has dimension
   n(n-1)/2 = C(d-1, 2): in a basis that begins with k0 it is parametrised, linearly
   and bijectively, by the strict upper triangles of the other n coordinates. *)
Theorem LH_2_f_kernel_dimension (x : 'cV[R]_(1 + n)) : dot x x = 1 ->
  let pairs := [set p : 'I_n * 'I_n | (p.1 < p.2)%N] in
  #|pairs| = 'C(n, 2) /\
  exists2 V : 'M[R]_(1 + n), orthogonal V &
    forall f : 'I_n * 'I_n -> R, exists2 A : 'M[R]_(1 + n),
      [/\ skew A, A *m x = 0 & forall p, p \in pairs -> drsubmx (V^T *m A *m V) p.1 p.2 = f p] &
      forall A', skew A' -> A' *m x = 0 ->
        (forall p, p \in pairs -> drsubmx (V^T *m A' *m V) p.1 p.2 = f p) -> A' = A.
Proof.
move=> x1 pairs; have [card param] := MH_3_b_gauge_dimension R n; split=> //.
pose e0 : 'cV[R]_(1 + n) := col_mx 1%:M 0.
have e1 : dot e0 e0 = 1.
  by rewrite -dotE /e0 tr_col_mx mul_row_col trmx1 mul1mx trmx0 mul0mx addr0 mxE eqxx.
pose V := reflection (e0 - x).
have oV : orthogonal V by apply: reflection_orth.
have VV := mulmx1C oV.
have Ve : V *m e0 = x by apply: reflection_swap; rewrite e1 x1.
have Vx : V^T *m x = e0 by rewrite -Ve mulmxA oV mul1mx.
exists V => // f; have [X [skX hX] uX] := param f.
pose B : 'M[R]_(1 + n) := block_mx 0 0 0 X.
have skB : B^T = - B by rewrite /B tr_block_mx !trmx0 skX opp_block_mx !oppr0.
have Be : B *m e0 = 0 by rewrite /B /e0 mul_block_col !mul0mx mulmx0 !addr0 col_mx0.
have back : V^T *m (V *m B *m V^T) *m V = B by rewrite !mulmxA oV mul1mx -mulmxA oV mulmx1.
exists (V *m B *m V^T).
  split=> [||p hp]; last by rewrite back /B block_mxKdr; apply: hX.
    by rewrite /skew !trmx_mul trmxK skB mulNmx mulmxN mulmxA.
  by rewrite -!mulmxA Vx Be mulmx0.
move=> A' skA' Ax hA'; pose B' := V^T *m A' *m V.
have A'E : A' = V *m B' *m V^T.
  by rewrite /B' !mulmxA VV mul1mx -mulmxA VV mulmx1.
have skB' : B'^T = - B' by rewrite /B' !trmx_mul trmxK skA' mulNmx mulmxN mulmxA.
have B'e : B' *m e0 = 0 by rewrite /B' -!mulmxA Ve Ax mulmx0.
have hB' p : p \in pairs -> drsubmx B' p.1 p.2 = f p by apply: hA'.
rewrite A'E; congr (_ *m _ *m _); clearbody B'; clear A'E hA'.
have blocks := submxK B'; move: B'e skB' hB'; rewrite -blocks.
rewrite /e0 mul_block_col !mulmx1 !mulmx0 !addr0 tr_block_mx opp_block_mx block_mxKdr.
move=> z /eq_block_mx[_ ur _ skdr] hdr.
have [ul0 dl0] : ulsubmx B' = 0 /\ dlsubmx B' = 0.
  by move: z; rewrite -[X in _ = X](col_mx0 _ 1 n 1) => /eq_col_mx.
have ur0 : ursubmx B' = 0.
  by apply/eqP; rewrite -oppr_eq0 -ur dl0 trmx0.
by rewrite ul0 dl0 ur0 /B (uX _ skdr hdr).
Qed.

End Kernel.
